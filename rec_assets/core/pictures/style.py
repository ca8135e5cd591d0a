"""What all pictures share: colours, marks, and the way into a PNG."""

import base64
import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from rec_assets.core.pictures.texts import LONGEST_TITLE, drawable

# Okabe & Ito's palette without its yellow, which is lost on white: told apart by all common kinds of colour vision.
BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, BLACK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#000000",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, BLACK)
GREY, PALE_GREY = "#8C8C8C", "#D2D2D2"
# Ten shapes and four strokes, so that without any colour no two series look the same.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
STROKES = ("-", "--", "-.", ":")
DOTS_PER_INCH = 120  # at which hinting leaves bold letters their weight
MOST_BYTES = 50_000
COLOURS_IN_FILE = (128, 32, 12)  # 128 take a quarter of the bytes of full colour, and no eye sees it


def new_axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """An empty figure of ``width`` x ``height`` inches with a title, and its axes."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    # The title of the figure, not of the axes: a long one would press the axes together.
    figure.suptitle(drawable(title, LONGEST_TITLE), x=0.01, ha="left", fontsize=12)
    return figure, figure.subplots()


def to_png(figure: Figure) -> bytes:
    """The picture as PNG, the same bytes each time; texts are drawn as written, a ``$`` in them too.

    It has as many colours, up to 128, as keep it below 50 KB.
    """
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # pyright: ignore[reportAttributeAccessIssue]  # findobj knows no types
    canvas, png = FigureCanvasAgg(figure), b""
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    for colours in COLOURS_IN_FILE:
        png = _with_colours(picture, colours)
        if len(png) < MOST_BYTES:
            break
    return png


def _with_colours(picture: Image.Image, colours: int) -> bytes:
    buffer = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def as_markdown(png: bytes, alt_text: str) -> str:
    """A picture as markdown that needs no other file."""
    return f"![{alt_text}](data:image/png;base64,{base64.b64encode(png).decode()})"


def hit_rate_at_each_k(ranks: np.ndarray, k: int) -> np.ndarray:
    """(k,) the share (0..1) of ``ranks`` within the first 1, 2, … ``k``.

    Args:
        ranks: (n,) ints, 1 = best, 0 = not found.
        k: at least 1.

    Raises:
        ValueError: there are no ranks.
    """
    if len(ranks) == 0:
        raise ValueError("found no ranks to draw; expected the rank of at least one held-out target")
    return np.bincount(ranks[(ranks >= 1) & (ranks <= k)], minlength=k + 1)[1:].cumsum() / len(ranks)
