"""Arrays and a text header in one file: the layout of safetensors, written array by array and mapped back.

The safetensors package builds the whole file in memory to write it, and copies every array to read it.
"""

import json
import math
import mmap
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.errors import StoreError

# safetensors' names of the types.
TYPE_NAMES = {
    "<f4": "F32",
    "<f8": "F64",
    "<i8": "I64",
    "<i4": "I32",
    "<u8": "U64",
    "<u4": "U32",
    "|u1": "U8",
    "|b1": "BOOL",
    "|i1": "I8",
}
_TYPES = {name: np.dtype(kind) for kind, name in TYPE_NAMES.items()}
_HEADER = "rec_assets"


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
    """Write ``tensors`` and a JSON-ready ``header`` to ``path``; the same input gives the same bytes.

    Raises:
        TypeError: an array is of a type that the file has no name for.
    """
    # Widest first, so that each stands at a multiple of its width.
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    layout, offset = {}, 0
    for name in names:
        tensor = tensors[name]
        if tensor.dtype.str not in TYPE_NAMES:
            raise TypeError(f"no name in the file for the type {tensor.dtype} of {name}")
        end = offset + tensor.nbytes
        layout[name] = {
            "dtype": TYPE_NAMES[tensor.dtype.str],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    crc32 = checksum(tensors[name] for name in names)
    own = json.dumps({**header, "crc32": crc32}, sort_keys=True, ensure_ascii=False)
    text = json.dumps({"__metadata__": {_HEADER: own}, **layout}, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(_bytes(tensors[name]))


@dataclass(frozen=True)
class Layout:
    """What stands before the arrays: type, shape and place of each, this package's own ``header``, their ``start``."""

    tensors: dict[str, dict[str, Any]]
    header: dict[str, Any]
    start: int


def map_tensors(path: Path, *, verify: bool = False) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of ``path``, read-only and read from disk when they are used, and its header.

    They stay readable when the file is replaced or removed.

    Args:
        path: written by :func:`write_tensors`.
        verify: read every number now and compare with the checksum.

    Raises:
        StoreError: the file is missing, cut off, of another kind, or damaged.
    """
    layout = read_layout(path)
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    tensors = {}
    for name, entry in layout.tensors.items():
        kind, shape = _TYPES[entry["dtype"]], tuple(entry["shape"])
        tensors[name] = np.frombuffer(content, kind, math.prod(shape), layout.start + entry["data_offsets"][0]).reshape(
            shape
        )
    if verify and checksum(tensors.values()) != layout.header["crc32"]:
        raise StoreError(f"{path} is damaged: its numbers are not those that were written.")
    return tensors, layout.header


def read_layout(path: Path) -> Layout:
    """What stands before the arrays of ``path``, a file of which the size is right.

    Raises:
        StoreError: the file is missing, cut off, or of another kind.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            tensors = json.loads(file.read(min(length, size)))
        header = json.loads(tensors.pop("__metadata__")[_HEADER])
        expected = 8 + length + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        is_known = "crc32" in header and all(_is_consistent(entry) for entry in tensors.values())
    except FileNotFoundError as error:
        raise StoreError(f"{path} does not exist.") from error
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise StoreError(f"{path} is not a file of this package ({error!r}).") from error
    if not is_known or size != expected:
        raise StoreError(f"{path} is not whole: it has {size} bytes, its header says {expected}.")
    return Layout(tensors, header, 8 + length)


def _is_consistent(entry: Mapping[str, Any]) -> bool:
    start, end = entry["data_offsets"]
    return start >= 0 and end - start == math.prod(entry["shape"]) * _TYPES[entry["dtype"]].itemsize


def checksum(tensors: Iterable[np.ndarray]) -> int:
    """CRC-32 over the bytes of ``tensors``, one after the other."""
    found = 0
    for tensor in tensors:
        found = zlib.crc32(_bytes(tensor), found)
    return found


def _bytes(tensor: np.ndarray) -> memoryview:
    return np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data
