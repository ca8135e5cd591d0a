"""Without this a job that is asked to split by time could store parts that overlap in time, or lose what says so."""

import dagster as dg
import duckdb
import pytest

from rec_assets_tests.conftest import SMALL, SPLITS, Project, made_rows

pytestmark = pytest.mark.usefixtures("blank_pictures")


def reach(project: Project, part: str) -> list[str | None]:
    event = project.instance.get_latest_materialization_event(dg.AssetKey(part))
    assert event is not None
    assert event.asset_materialization is not None
    found = event.asset_materialization.metadata
    return [str(found[name].value) if name in found else None for name in ("first_ended_at", "last_ended_at")]


def test_training_playlists_end_before_validation_playlists_and_these_before_test_playlists(project: Project) -> None:
    lines = [
        f"{playlist},{user},{artist},{track},2024-01-01 00:{playlist[5:]:0>2}:{place % 60:02}"
        for place, (user, artist, track, playlist) in enumerate(made_rows())
    ]
    source = project.folder / "timed.csv"
    source.write_text("\n".join(["playlist,user,artist,track,added_at", *lines[::-1]]))
    asked = {**SMALL, "source": str(source), "order": "added_at", "split": "time"}

    assert project.run_job(asked, job="tutorial_job").success
    files = [project.store / f"{part}.parquet" for part in SPLITS]
    ends = [
        duckdb.sql(f"SELECT list(playlist[6:]::INTEGER ORDER BY ended_at) FROM '{file}'").fetchall()[0][0]
        for file in files
    ]
    assert ends == [list(range(42)), list(range(42, 54)), list(range(54, 60))]
    assert [[minute[14:16] for minute in reach(project, part)] for part in SPLITS] == [
        ["00", "41"],
        ["42", "53"],
        ["54", "59"],
    ]

    # Another source without times, and nothing is left of them.
    assert project.run_job(job="tutorial_job").success
    assert [reach(project, part) for part in SPLITS] == [[None, None]] * 3
    assert duckdb.sql(f"FROM '{files[0]}'").columns == ["user_id", "playlist", "track_indexes", "length"]
