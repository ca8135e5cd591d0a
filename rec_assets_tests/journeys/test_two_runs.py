"""Two runs at once on one store."""

import pytest

from rec_assets.defs.preparation import playlist_sequences as module
from rec_assets.core.base.errors import DataError
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv


def test_an_input_that_another_run_replaced_meanwhile_is_noticed(project, monkeypatch) -> None:
    project.run_job()
    before = project.files()["playlist_sequences.parquet"]
    other = Project(
        project.folder / "other", project.instance, write_unescaped_csv(project.folder / "b.csv", made_rows(seed=5))
    )
    other.run_job()
    whole = module.build_sequences

    def replaced_meanwhile(*args, **settings):
        for name in ("raw_playlists.parquet", "track_catalog.parquet"):
            (other.store / name).replace(project.store / name)
        return whole(*args, **settings)

    monkeypatch.setattr(module, "build_sequences", replaced_meanwhile)
    with pytest.raises(DataError, match="playlist_sequences was not stored: another run replaced raw_playlists"):
        project.materialize(["playlist_sequences"])

    assert project.files()["playlist_sequences.parquet"] == before
