"""Columns of text, put together in Arrow."""

import pyarrow as pa
import pyarrow.compute as pc

from rec_assets.core.synthetic.draws import Ints

EMPTY = pa.scalar("")


def pick(words: list[str], index: Ints) -> pa.Array:
    """The word at each ``index``."""
    return pa.array(words).take(pa.array(index))


def join(*texts: pa.Array | str) -> pa.Array:
    """The texts of each row, one after the other with nothing between."""
    return pc.call_function("binary_join_element_wise", [*texts, ""])


def where(condition: pa.Array, then: pa.Array | pa.Scalar, otherwise: pa.Array) -> pa.Array:
    """``then`` in the rows where ``condition`` holds, ``otherwise`` in the others."""
    return pc.call_function("if_else", [condition, then, otherwise])


def null_if_empty(texts: pa.Array) -> pa.Array:
    """NULL in place of empty texts."""
    return where(pc.call_function("equal", [texts, EMPTY]), pa.scalar(None, pa.string()), texts)


def fill(forms: list[str], index: Ints, *words: pa.Array) -> pa.Array:
    """The forms at ``index`` with ``words`` put in place of each ``{}``."""
    pieces = [pick(list(piece), index) for piece in zip(*(form.split("{}") for form in forms), strict=True)]
    mixed = [part for pair in zip(pieces, words, strict=False) for part in pair]
    return join(*mixed, pieces[-1])
