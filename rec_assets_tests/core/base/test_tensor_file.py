"""Without these, arrays could come back from a model file as others, or only this package could open it."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors import safe_open

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.seal import verify_seal
from rec_assets.core.base.tensor_file import map_tensors, read_layout, require_arrays, write_tensors

DTYPES = st.sampled_from([np.dtype(name) for name in ("<f4", "<f8", "<i8", "<i4", "<u8", "<u4", "u1", "?", "i1")])
ARRAYS = DTYPES.flatmap(lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0)))
NAMES = st.text(min_size=1, max_size=5).filter(lambda name: name not in ("checksum", "__metadata__"))
HEADERS = st.dictionaries(st.sampled_from("abc"), st.integers() | st.text(max_size=5) | st.lists(st.booleans()))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tensors") / "model.safetensors"


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(NAMES, ARRAYS, max_size=5), HEADERS)
def test_arrays_and_header_come_back_and_anybody_can_open_the_file(
    path: Path, tensors: dict[str, np.ndarray], header: dict[str, Any]
) -> None:
    write_tensors(path, tensors, header)
    verify_seal(path)
    found, own = map_tensors(path)

    assert own == {**header, "same": {}}
    with safe_open(path, "numpy") as file:
        assert set(file.keys()) == {*tensors, "checksum"}
        for name, array in tensors.items():
            for one in (found[name], file.get_tensor(name)):
                assert (one.dtype, one.shape, one.tobytes()) == (array.dtype, array.shape, array.tobytes())
            assert not found[name].flags.writeable
            assert found[name].ctypes.data % array.itemsize == 0
    assert set(found) == set(tensors)


def test_the_same_input_gives_the_same_bytes_in_any_order(path: Path) -> None:
    tensors = {"a": np.arange(3), "b": np.ones(2, np.float32), "c": np.zeros(5, bool)}
    write_tensors(path, tensors, {"x": 1, "y": 2})
    first = path.read_bytes()
    write_tensors(path, dict(reversed(tensors.items())), {"y": 2, "x": 1})

    assert path.read_bytes() == first


def test_an_array_under_several_names_is_written_once(path: Path) -> None:
    array = np.arange(1_000)
    write_tensors(path, {"b": array, "a": array, "turned": array[::-1], "part": array[:10], "equal": array.copy()}, {})

    found, header = map_tensors(path)

    assert header["same"] == {"b": "a"}
    assert path.stat().st_size < 3 * array.nbytes + 2_000
    assert found["b"] is found["a"]
    assert {name: value.tolist() for name, value in found.items()} == {
        "a": array.tolist(),
        "b": array.tolist(),
        "turned": array[::-1].tolist(),
        "part": array[:10].tolist(),
        "equal": array.tolist(),
    }


def test_arrays_outlive_the_file(path: Path) -> None:
    write_tensors(path, {"a": np.arange(9)}, {})
    found, _ = map_tensors(path)
    path.unlink()

    assert found["a"].tolist() == list(range(9))


def test_a_type_without_a_name_is_refused_with_it(path: Path) -> None:
    with pytest.raises(TypeError, match="float16 of half"):
        write_tensors(path, {"half": np.zeros(2, np.float16)}, {})


def written(path: Path, layout: Any, data: bytes = b"") -> None:
    text = layout if isinstance(layout, bytes) else json.dumps(layout).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize(
    "layout",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        [],
        {},
        {"__metadata__": {"rec_assets": "{}"}},
        {"__metadata__": {"other": "{}"}, "a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}},
        {"__metadata__": {"rec_assets": '{"same": {}}'}, "checksum": {"dtype": "U8", "shape": [16]}},
        {"__metadata__": {"rec_assets": '{"same": {}}'}, "checksum": {"shape": [3], "data_offsets": [0, 2]}},
    ],
)
def test_another_file_is_refused(path: Path, layout: Any) -> None:
    written(path, layout, b"\0\0")

    with pytest.raises(UnreadableError):
        map_tensors(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "U8", "shape": [3], "data_offsets": [0, 2]},
        {"dtype": "U8", "shape": [2], "data_offsets": [-2, 0]},
        {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(path: Path, entry: dict[str, Any]) -> None:
    written(path, {"__metadata__": {"rec_assets": '{"same": {}}'}, "checksum": entry}, b"\0\0")

    with pytest.raises(UnreadableError):
        read_layout(path)


def test_a_file_of_another_length_is_refused_with_both_lengths(path: Path) -> None:
    write_tensors(path, {"a": np.arange(9)}, {})
    size = path.stat().st_size
    for content in (path.read_bytes()[:-1], path.read_bytes() + b"\0"):
        path.write_bytes(content)
        with pytest.raises(UnreadableError, match=f"it has {len(content):,} bytes, its header says {size:,}"):
            map_tensors(path)
    path.write_bytes(b"\1\2\3")
    with pytest.raises(UnreadableError, match="no model file of this package"):
        map_tensors(path)


def test_missing_arrays_are_named() -> None:
    require_arrays({"a": np.zeros(1)}, ["a"])
    with pytest.raises(UnreadableError, match="lacks b, c: it is another kind of model"):
        require_arrays({"a": np.zeros(1)}, ["c", "a", "b"])
