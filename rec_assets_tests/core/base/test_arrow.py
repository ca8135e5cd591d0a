"""Without this, a column could have its nulls or its texts in the wrong rows; and a short job could import pandas."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.base.arrow import number_column, numbers_in, text_column

NINE = np.arange(9)  # more than one byte of bits


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.float64(), pa.bool_()])
def test_columns_are_those_that_pyarrow_makes(kind: pa.DataType) -> None:
    values = NINE % 2 == 0 if pa.types.is_boolean(kind) else NINE

    assert number_column(values, kind).equals(pa.array(values, kind))
    assert number_column(values, kind, NINE == 8).equals(pa.array(values, kind, mask=NINE == 8))
    assert number_column(values[:0], kind).equals(pa.array([], kind))


@pytest.mark.parametrize("texts", [[], ["a", "", "宇多田ヒカル", "é"]])
def test_texts_keep_their_letters(texts: list[str]) -> None:
    assert text_column(texts).equals(pa.array(texts, pa.string()))


def test_numbers_come_out_of_a_slice() -> None:
    assert numbers_in(pa.array(NINE)[3:5]).tolist() == [3, 4]


def test_no_pandas_is_imported() -> None:
    program = (
        "import sys; import numpy as np; import pyarrow as pa; from rec_assets.core.base import arrow; "
        "arrow.numbers_in(arrow.number_column(np.arange(3), pa.int32())); arrow.text_column(['a']); "
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
