"""The page of the report: how figures are written, and the template ``report.html.j2``."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

NOTHING = "–"
Estimate = tuple[float, float, float]
"""A figure, and the lower and upper end of its interval."""
Cell = str | float | int | Estimate | None


@dataclass(frozen=True)
class HtmlPage:
    """A whole page as text: the type by which the store knows it."""

    html: str


def render_page(**parts: Any) -> HtmlPage:
    """The page of ``parts``: texts of any characters, and what :func:`table_of` and :func:`picture_of` return.

    Styles and pictures are inside of the page, and its security policy forbids scripts and the network, whatever
    is in a name. The same parts give the same text: it holds no time but what is in them. What UTF-8 cannot hold (half
    a surrogate pair) becomes "?".
    """
    return HtmlPage(_template().render(parts).encode("utf-8", "replace").decode("utf-8"))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rec_assets.core.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def table_of(
    caption: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Cell]], chosen: int | None = None
) -> dict[str, Any]:
    """A table for the template; a column of figures alone, but for the first, is aligned to the right.

    ``columns`` are names with a unit or explanation, "" = none, and the first one names the row; each of the ``rows``
    has a cell for each column; the row at the place ``chosen`` is marked.
    """
    is_number = [place > 0 and all(_is_figure(row[place]) for row in rows) for place in range(len(columns))]
    return {
        "caption": caption,
        "columns": [(*column, right) for column, right in zip(columns, is_number, strict=True)],
        "rows": [
            [(text_of(cell), _interval(cell), right) for cell, right in zip(row, is_number, strict=True)]
            for row in rows
        ],
        "chosen": chosen,
    }


def picture_of(png: bytes, caption: str, alt_text: str) -> dict[str, str]:
    """A PNG for the template, with a caption for those who see it and a text for those who do not."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return {"source": source, "caption": caption, "alt_text": alt_text}


def text_of(cell: Cell) -> str:
    """A cell as text, of an :data:`Estimate` the figure alone; None and NaN as "–".

    Fractions have three decimals below 1 and three digits in all above it; those that would round to zero are
    written as powers of ten. Thousands are set off by commas.
    """
    if cell is None:
        return NOTHING
    if isinstance(cell, tuple):
        return text_of(cell[0])
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:,}" if isinstance(cell, Integral) else _fraction(float(cell))


def setting_text(value: Any) -> str:
    """A setting as it was set: 0.025, not 0.0250."""
    if isinstance(value, float):
        return f"{value:,.12g}"
    return text_of(value) if isinstance(value, int) else str(value)


def _is_figure(cell: Cell) -> bool:
    return cell is None or isinstance(cell, Real | tuple)


def _interval(cell: Cell) -> str:
    """``0.431 to 0.456`` for an :data:`Estimate`, nothing for other cells."""
    return f"{text_of(cell[1])} to {text_of(cell[2])}" if isinstance(cell, tuple) else ""


def _fraction(number: float) -> str:
    if not math.isfinite(number):
        return NOTHING if math.isnan(number) else f"{number}"
    size = abs(number)
    if 0 < size < 0.0005:
        return f"{number:.1e}"
    whole_digits = 0 if size < 1 else len(str(int(size)))
    return f"{number:,.{max(0, 3 - whole_digits)}f}"
