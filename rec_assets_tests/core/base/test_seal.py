"""Without these, a flipped bit in a stored file could be read as fact, or crash what parses it."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from rec_assets.core.base.errors import StoreError, UnreadableError, naming
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.seal import UNSEALED, seal, verify_seal, write_json
from rec_assets.core.base.tensor_file import write_tensors
from rec_assets.core.report.page import HtmlPage
from rec_assets.store.formats import FORMATS
from rec_assets.store.table_file import write_table


def write_rows(path: Path) -> None:
    with duckdb.connect() as connection:
        write_table(connection.sql("SELECT range AS row_id, 'a' || range AS artist FROM range(9)"), path, {"note": "n"})


KINDS: dict[str, Callable[[Path], None]] = {
    "tensors": lambda path: write_tensors(path, {"vectors": np.arange(9, dtype=np.float32)}, {"note": "n"}),
    "json": lambda path: write_json({"hit_rate": 0.41, "note": "ö crc32:0123456789"}, path),
    "html": lambda path: FORMATS[HtmlPage].write(HtmlPage("<body>hit</body></html>"), path, Lineage("v", 100, {})),
    "parquet": write_rows,
}
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@EACH_KIND
def test_every_single_bit_counts(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    KINDS[kind](path)
    verify_seal(path)
    unnoticed = []
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(path.read_bytes()):
            for bit in range(8):
                file.seek(place)
                file.write(bytes([byte ^ 1 << bit]))
                try:
                    verify_seal(path)
                    unnoticed.append((place, bit))
                except UnreadableError:
                    pass
            file.seek(place)
            file.write(bytes([byte]))

    verify_seal(path)
    assert unnoticed == []


@EACH_KIND
def test_a_file_that_is_cut_off_or_goes_on_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    KINDS[kind](path)
    content = path.read_bytes()

    for damaged in (content[:-1], content[: len(content) // 2], content[1:], content + b"\0", content * 2):
        path.write_bytes(damaged)
        with pytest.raises(UnreadableError):
            verify_seal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"{}", "has no checksum: it is damaged, or an older version of rec_assets or another program wrote it"),
        (b"crc32:123456789", "has no checksum"),
        (UNSEALED.encode(), "is damaged: its bytes are not those that were written"),
        # What stands far from the end is content, not a checksum.
        (UNSEALED.encode() + b" " * 70_000, "has no checksum"),
    ],
    ids=["empty", "another program's", "cut off", "never sealed", "far from the end"],
)
def test_a_file_without_a_right_checksum_is_refused_with_its_name_and_the_remedy(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "figures.json"
    path.write_bytes(content)

    with (
        pytest.raises(StoreError, match=rf"figures\.json {reason}.*\. Materialize again\.$"),
        naming(path, "Materialize again."),
    ):
        verify_seal(path)


def test_a_file_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing does not exist\. Run it\."), naming(tmp_path / "nothing", "Run it."):
        verify_seal(tmp_path / "nothing")


def test_a_text_that_looks_like_a_checksum_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(f"crc32:0123456789 {UNSEALED} {UNSEALED} end")

    seal(path)

    verify_seal(path)
    assert path.read_text().startswith(f"crc32:0123456789 {UNSEALED} crc32:")
    assert path.read_text().endswith(" end")


def test_only_a_file_with_a_place_for_it_is_sealed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"no place")

    with pytest.raises(ValueError, match="no place for a checksum"):
        seal(path)
    assert path.read_bytes() == b"no place"
