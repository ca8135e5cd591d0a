"""Names in pictures: people write them in every script, the font of the pictures does not have every letter."""

from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import FT2Font

MISSING = "□"
LONGEST_TITLE = 80
LEFT_TO_RIGHT = "\u200e"  # a mark without width
ISOLATE, END_ISOLATE = "\u2068", "\u2069"  # between them a name has its own direction


def drawable(text: str, longest: int | None = None) -> str:
    """``text`` in letters that the font has, on one line.

    A letter that it does not have (Chinese, Korean, most emoji) becomes □: matplotlib would draw a box too, and
    warn. What machines happen to have other fonts for would look different on each. Control characters go.

    Args:
        text: a name or title, of any characters.
        longest: characters above which the end becomes "…", at least 1; None = no bound.
    """
    printable = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    shown = "".join(letter if _has_glyph(letter) else MISSING for letter in printable)
    return shown if longest is None or len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def numbered(number: int, name: str, count: int, longest: int) -> str:
    """``1 name (1,234)``, in that order also where the name is written from right to left."""
    return f"{LEFT_TO_RIGHT}{number} {drawable(name, longest)}{LEFT_TO_RIGHT} ({count:,})"


def in_words(names: Sequence[str]) -> str:
    """The numbers in the legend of a picture with their full names, such as "1 Nina Simone, 2 宇多田ヒカル".

    For the caption and the alternative text: a page has letters for what the picture has none for. Each name is
    isolated, so that one written from right to left does not reorder its neighbours.
    """
    return ", ".join(f"{number} {ISOLATE}{name}{END_ISOLATE}" for number, name in enumerate(names, start=1))


@cache
def _has_glyph(letter: str) -> bool:
    return all(font.get_char_index(ord(letter)) for font in _fonts())


@cache
def _fonts() -> tuple[FT2Font, FT2Font]:
    """The font of plain text and that of bold text."""
    return get_font(findfont(FontProperties())), get_font(findfont(FontProperties(weight="bold")))
