"""What a report is made of: sections of notes, tables, pictures, examples and definitions, in any order.

All texts are plain text and may hold any character; ``<b>`` stands in the page as ``<b>``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval from ``low`` to ``high``."""

    value: float
    low: float
    high: float


Cell = str | float | int | Estimate | None
"""Floats are shown with four digits, None and NaN as "–", truth values as yes and no."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, and below it in small letters its unit or what it says."""

    name: str
    explanation: str = ""


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells; a column without texts, but for the first, is aligned to the right.

    Attributes:
        caption: says what the table shows.
        columns: one for each cell of a row; the first names the row.
        rows: from top to bottom.
        highlighted: the place of the row to set off (0 = the first), None = no row.
        highlight: why it is set off, a word such as "chosen" that stands in the row.

    Raises:
        ValueError: a row has more or fewer cells than there are columns, or there is no row ``highlighted``.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    highlighted: int | None = None
    highlight: str = "chosen"

    def __post_init__(self) -> None:
        """Refuses what could not be drawn."""
        for place, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {place} of table {self.caption!r} has {len(row)} cells; expected {len(self.columns)}, "
                    f"one for each of {', '.join(column.name for column in self.columns)}"
                )
        if self.highlighted is not None and not 0 <= self.highlighted < len(self.rows):
            raise ValueError(
                f"highlighted={self.highlighted} in table {self.caption!r}; expected a row from 0 to "
                f"{len(self.rows) - 1}, or None"
            )


@dataclass(frozen=True)
class Picture:
    """A PNG with a caption for those who see it and an alternative text for those who do not."""

    kind: ClassVar[str] = "picture"
    png: bytes
    caption: str
    alt_text: str


@dataclass(frozen=True)
class Example:
    """What was recommended for a playlist, by name.

    Attributes:
        history: its last tracks before the target, oldest first.
        target: the track held out.
        recommended: the first tracks recommended, best first.
        rank: of the target among all that were recommended, 1 = best, 0 = not found. It is marked where it is
            among those shown.
    """

    history: Sequence[str]
    target: str
    recommended: Sequence[str]
    rank: int


@dataclass(frozen=True)
class Examples:
    """Examples side by side."""

    kind: ClassVar[str] = "examples"
    examples: Sequence[Example]


@dataclass(frozen=True)
class Definitions:
    """Names with their values (settings, counts, versions) under a caption; floats are shown as they were set."""

    kind: ClassVar[str] = "definitions"
    caption: str
    items: Mapping[str, Cell]


Block = Note | Table | Picture | Examples | Definitions


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class ReportContent:
    """A whole report.

    Attributes:
        title: of the page.
        summary: what was found, in one sentence with the main figure and its interval.
        banner: a warning above everything, such as that of a dev run; None = none.
        sections: from top to bottom.
    """

    title: str
    summary: str
    banner: str | None
    sections: Sequence[Section]
