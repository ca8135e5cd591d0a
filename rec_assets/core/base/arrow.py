"""numpy arrays to arrow columns and back without pandas, which pyarrow's own ways import: a second of a short job."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def numbers_in(column: pa.Array) -> np.ndarray:
    """The numbers of ``column`` (n,), which has no null, not copied and not to be written."""
    return np.from_dlpack(column)


def number_column(values: np.ndarray, kind: pa.DataType, is_null: np.ndarray | None = None) -> pa.Array:
    """``values`` (n,) as a column of ``kind``, which is of numbers or truth values; null where ``is_null`` (n,)."""
    if pa.types.is_boolean(kind):
        data = np.packbits(values, bitorder="little")
    else:
        data = np.ascontiguousarray(values, kind.to_pandas_dtype())
    present = None if is_null is None else pa.py_buffer(np.packbits(~is_null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [present, pa.py_buffer(data)])


def text_column(texts: Sequence[str]) -> pa.Array:
    """``texts`` (n,) as a column of text."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())
