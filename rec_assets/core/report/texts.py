"""How cells are written."""

import math
from numbers import Integral, Real

from rec_assets.core.report.content import Cell, Estimate, Table

NOTHING = "–"


def text_of(cell: Cell) -> str:
    """A cell as text; of an :class:`Estimate` the figure alone.

    Fractions have four decimals below 1 and four digits in all above it; those that would round to zero are
    written as powers of ten. Thousands are set off by commas.
    """
    if cell is None:
        return NOTHING
    if isinstance(cell, Estimate):
        return text_of(cell.value)
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:,}" if isinstance(cell, Integral) else _fraction(float(cell))


def exact_text_of(setting: float) -> str:
    """A setting as it was set: 0.025, not 0.0250."""
    return f"{setting:,.12g}"


def interval_of(cell: Cell) -> str:
    """``0.4310 to 0.4561`` for an :class:`Estimate`, nothing for other cells."""
    return f"{text_of(cell.low)} to {text_of(cell.high)}" if isinstance(cell, Estimate) else ""


def is_number_column(table: Table, place: int) -> bool:
    """Whether column ``place`` is aligned to the right: figures or nothing, and not the names of the rows."""
    cells = [row[place] for row in table.rows]
    return place > 0 and all(cell is None or isinstance(cell, Real | Estimate) for cell in cells)


def _fraction(number: float) -> str:
    if not math.isfinite(number):
        return NOTHING if math.isnan(number) else f"{number}"
    size = abs(number)
    if 0 < size < 0.00005:
        return f"{number:.1e}"
    whole_digits = 0 if size < 1 else len(str(int(size)))
    return f"{number:,.{max(0, 4 - whole_digits)}f}"
