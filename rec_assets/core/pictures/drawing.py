"""What all pictures share: colours, marks, texts that the font can show, and the way into a PNG."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # matplotlib takes a second to import, which a job spends when it draws, not when it starts
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

# Okabe & Ito's palette without its yellow, which is lost on white: distinct for all common kinds of colour vision.
BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", BLACK)
GREY, PALE_GREY = "#8C8C8C", "#D2D2D2"
# Ten shapes and four strokes, so that without any colour no two series look the same.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
STROKES = ("-", "--", "-.", ":")
DOTS_PER_INCH = 120  # at which hinting leaves bold letters their weight
WIDEST = 8.3  # inches: below the 1,000 pixels that a window of 1,366 leaves a picture in the UI
MOST_BYTES = 50_000
COLOURS_IN_FILE = (128, 32, 12)  # 128 take a quarter of the bytes of full colour, and no eye sees it
LONGEST_TITLE = 80
MISSING = "□"


def new_axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """An empty figure of ``width`` x ``height`` inches with a title, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    # The title of the figure, not of the axes: a long one would press the axes together.
    figure.suptitle(drawable(title, LONGEST_TITLE), x=0.01, ha="left", fontsize=12)
    return figure, figure.subplots()


def to_png(figure: Figure) -> bytes:
    """The picture as PNG, the same bytes each time; texts are drawn as written, a ``$`` in them too.

    It has as many colours, up to 128, as keep it below 50 KB.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text
    from PIL import Image

    for text in figure.findobj(Text):
        text.set_parse_math(False)  # pyright: ignore[reportAttributeAccessIssue]  # findobj knows no types
    canvas, png = FigureCanvasAgg(figure), b""
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    for colours in COLOURS_IN_FILE:
        buffer = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
        png = buffer.getvalue()
        if len(png) < MOST_BYTES:
            break
    return png


def as_markdown(png: bytes, alt_text: str) -> str:
    """A picture as markdown that needs no other file."""
    return f"![{alt_text}](data:image/png;base64,{base64.b64encode(png).decode()})"


def drawable(text: str, longest: int) -> str:
    """``text`` on one line of at most ``longest`` characters, in letters that the font has.

    A letter that it does not have (Chinese, Korean, most emoji) becomes □: matplotlib would draw a box too, and
    warn; other fonts differ from machine to machine. Control characters are left out.
    """
    printable = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    shown = "".join(letter if _has_glyph(letter) else MISSING for letter in printable)
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


@cache
def _has_glyph(letter: str) -> bool:
    return all(font.get_char_index(ord(letter)) for font in _fonts())


@cache
def _fonts() -> tuple[FT2Font, FT2Font]:
    """The font of plain text and that of bold text."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties())), get_font(findfont(FontProperties(weight="bold")))
