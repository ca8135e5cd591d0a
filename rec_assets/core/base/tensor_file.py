"""Arrays and a header in one file: the layout of safetensors, written array by array and mapped back.

The safetensors package builds the whole file in memory to write it, and copies every array to read it. Plain tensors
after a text header: no code is ever loaded from such a file. Its last tensor is the checksum of the whole file.
"""

import json
import math
import mmap
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.memory import let_go
from rec_assets.core.base.seal import UNSEALED, refuse_constant, seal

_TYPE_NAMES = {
    **{"<f4": "F32", "<f8": "F64", "<i8": "I64", "<i4": "I32", "<u8": "U64", "<u4": "U32"},
    **{"|u1": "U8", "|b1": "BOOL", "|i1": "I8"},
}
_TYPES = {name: np.dtype(kind) for kind, name in _TYPE_NAMES.items()}
_HEADER, _SEAL = "rec_assets", "checksum"


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
    """Write ``tensors`` and a JSON-ready ``header`` to ``path``; the same input gives the same bytes.

    An array under several names is written once.

    Raises:
        TypeError: an array is of a type that the file has no name for.
    """
    same = _same_arrays(tensors)
    # Widest first, so that each stands at a multiple of its width.
    names = sorted(set(same.values()), key=lambda name: (-tensors[name].dtype.itemsize, name))
    arrays = {name: tensors[name] for name in names}
    arrays[_SEAL] = np.frombuffer(UNSEALED.encode(), np.uint8)
    layout = _layout(arrays)
    own = json.dumps({**header, "same": {name: held for name, held in same.items() if name != held}}, sort_keys=True)
    text = json.dumps({"__metadata__": {_HEADER: own}, **layout}, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            let_go(array)
    seal(path)


def _same_arrays(tensors: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Each name with the first name under which its array stands."""
    first: dict[tuple, str] = {}
    same = {}
    for name in sorted(tensors):
        array = tensors[name]
        place = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str
        same[name] = first.setdefault(place, name) if array.size else name
    return same


def _layout(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    layout, offset = {}, 0
    for name, array in arrays.items():
        if array.dtype.str not in _TYPE_NAMES:
            raise TypeError(f"no name in the file for the type {array.dtype} of {name}")
        place = [offset, offset + array.nbytes]
        layout[name] = {"dtype": _TYPE_NAMES[array.dtype.str], "shape": list(array.shape), "data_offsets": place}
        offset += array.nbytes
    return layout


@dataclass(frozen=True)
class Layout:
    """What stands before the arrays: type, shape and place of each, this package's own ``header``, their ``start``."""

    tensors: dict[str, dict[str, Any]]
    header: dict[str, Any]
    start: int


def map_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of ``path``, read-only and read from disk when they are used, and its header.

    They stay readable when the file is replaced or removed. Who opens a file checks its bytes first, see
    :func:`~rec_assets.core.base.seal.verify_seal`.

    Raises:
        UnreadableError: the file is cut off, or of another kind.
        FileNotFoundError: there is no file.
    """
    layout = read_layout(path)
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays = {}
    for name, entry in layout.tensors.items():
        kind, shape = _TYPES[entry["dtype"]], tuple(entry["shape"])
        place = layout.start + entry["data_offsets"][0]
        arrays[name] = np.frombuffer(content, kind, math.prod(shape), place).reshape(shape)
    arrays |= {name: arrays[held] for name, held in layout.header["same"].items()}
    del arrays[_SEAL]
    return arrays, layout.header


def read_layout(path: Path) -> Layout:
    """What stands before the arrays of ``path``, a file of which the size is right. Raises as :func:`map_tensors`."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            tensors = json.loads(file.read(min(length, size)))
        header = json.loads(tensors.pop("__metadata__")[_HEADER], parse_constant=refuse_constant)
        expected = 8 + length + max(entry["data_offsets"][1] for entry in tensors.values())
        is_known = "same" in header and _SEAL in tensors and all(_is_consistent(entry) for entry in tensors.values())
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise UnreadableError(f"is no model file of this package ({error!r})") from error
    if not is_known or size != expected:
        raise UnreadableError(f"is not whole: it has {size:,} bytes, its header says {expected:,}")
    return Layout(tensors, header, 8 + length)


def _is_consistent(entry: Mapping[str, Any]) -> bool:
    start, end = entry["data_offsets"]
    return start >= 0 and end - start == math.prod(entry["shape"]) * _TYPES[entry["dtype"]].itemsize


def of_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with ``prefix`` and a dot, without them."""
    return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}


def with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The inverse of :func:`of_prefix`."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def require_arrays(arrays: Mapping[str, np.ndarray], names: Iterable[str]) -> None:
    """Raises UnreadableError unless all ``names`` are among ``arrays``."""
    missing = sorted(set(names) - set(arrays))
    if missing:
        raise UnreadableError(f"lacks {', '.join(missing)}: it is another kind of model, or of another version")
