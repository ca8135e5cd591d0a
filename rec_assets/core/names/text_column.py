"""Texts in two flat arrays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(eq=False)
class TextColumn:
    """``n`` texts in two flat arrays that are mapped from a file; a list of ``str`` would have to be built first.

    Attributes:
        data: (b,) uint8, the UTF-8 bytes of all texts, one after the other.
        offsets: (n + 1,) int64; text ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    """

    data: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_arrow(cls, texts: pa.Array | pa.ChunkedArray) -> "TextColumn":
        """The ``texts`` of any string type; null becomes the empty text. Not copied where they are in one piece."""
        array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        array = array.cast(pa.large_string())
        # There may be bytes below a null.
        array = array.fill_null("") if array.null_count else array
        _, offset_buffer, data_buffer = array.buffers()
        if not len(array) or offset_buffer is None:
            return cls(np.empty(0, np.uint8), np.zeros(len(array) + 1, np.int64))
        offsets = np.frombuffer(offset_buffer, np.int64)[array.offset : array.offset + len(array) + 1]
        data = np.empty(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, np.uint8)
        return cls(data[offsets[0] : offsets[-1]], offsets - offsets[0] if offsets[0] else offsets)

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.offsets) - 1

    def take(self, rows: np.ndarray) -> list[str]:
        """The texts at ``rows`` (r,), none of them negative, in that order."""
        # Arrow's own take would load pyarrow.compute, which costs more than some hundred texts.
        view = self.data.data
        starts, ends = self.offsets[rows].tolist(), self.offsets[rows + 1].tolist()
        return [str(view[start:end], "utf-8") for start, end in zip(starts, ends, strict=True)]

    def to_arrow(self) -> pa.LargeStringArray:
        """The same texts for Arrow, over the same memory."""
        return pa.LargeStringArray.from_buffers(len(self), pa.py_buffer(self.offsets), pa.py_buffer(self.data))
