"""Without this two runs at once on one store could store a table of one run's rows under the other's version."""

import pytest

from rec_assets.core.base.errors import DataError
from rec_assets.defs import preparation
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv


def test_an_input_that_another_run_replaced_meanwhile_is_noticed(trained: Project, monkeypatch) -> None:
    before = trained.files()["playlist_sequences.parquet"]
    rows = write_unescaped_csv(trained.folder / "b.csv", made_rows(seed=5))
    other = Project(trained.folder / "other", trained.instance, rows)
    other.materialize(["raw_playlists", "track_catalog"], {"raw_playlists": {"source": str(rows)}})
    whole = preparation.build_sequences

    def replaced_meanwhile(*args, **settings):
        for name in ("raw_playlists.parquet", "track_catalog.parquet"):
            (other.store / name).replace(trained.store / name)
        return whole(*args, **settings)

    monkeypatch.setattr(preparation, "build_sequences", replaced_meanwhile)
    with pytest.raises(DataError, match="playlist_sequences was not stored: another run replaced raw_playlists"):
        trained.materialize(["playlist_sequences"])

    assert trained.files()["playlist_sequences.parquet"] == before
