"""Without these, playlists of two users could be taken for one, or a source without users fail in a late step."""

from collections import defaultdict
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from click.testing import CliRunner
from duckdb import DuckDBPyConnection

from rec_assets.core.base.relations import read_table
from rec_assets.core.playlists.readers.staging import StagedPlaylists
from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.defs import ingestion
from rec_assets.serving.main import main
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import SMALL, Project, made_rows, write_unescaped_csv

SHOWN = 7


def read(project: Project, connection: DuckDBPyConnection, table: str, columns: str) -> list[tuple]:
    return read_table(connection, project.store / f"{table}.parquet").select(columns).fetchall()


def assert_all_lead_back_to_the_source(project: Project, connection: DuckDBPyConnection) -> None:
    """By user and playlist alone: tracks of the splits, queries and targets, and what the model itself recommends."""
    source, recommended = defaultdict(list), defaultdict(list)
    columns = "row_id, user_id, playlist, artist, track"
    for _, user, name, *track in sorted(read(project, connection, "raw_playlists", columns)):
        source[user, name].append(tuple(track))
    names = [row[1:] for row in sorted(read(project, connection, "track_catalog", "track_index, artist, track"))]

    columns = "user_id, playlist, track_indexes"
    parts = {part: read(project, connection, f"{part}_sequences", columns) for part in ("train", "validation", "test")}
    placed = [
        ((user, name), [names[one] for one in tracks]) for user, name, tracks in chain.from_iterable(parts.values())
    ]
    assert len(placed) == len(source)
    assert dict(placed) == source

    for part in ("validation", "test"):
        ranks = read(project, connection, f"{part}_ranks", "user_id, playlist, query_track, target_track")
        assert ranks == [(user, name, *tracks[-2:]) for user, name, tracks in parts[part]]

    model = PromotedModels(str(project.store)).open_current()
    columns = "user_id, playlist, rank, artist, track"
    for user, name, *answer in read(project, connection, "playlist_recommendations", columns):
        recommended[user, name].append(tuple(answer))
    assert recommended == {
        own: [
            (one.rank, one.artist, one.track)
            for one in recommend_after(model, [names.index(track) for track in tracks], k=SHOWN)
        ]
        for own, tracks in source.items()
    }


def test_playlists_whose_user_and_name_run_together_to_the_same_text_keep_apart(
    project: Project, connection: DuckDBPyConnection
) -> None:
    rows = []
    for _, artist, track, name in made_rows():
        pair, is_second = divmod(int(name.split()[1]), 2)
        own = (f"listener {pair}-at", "home") if is_second else (f"listener {pair}", "at-home")
        rows.append((own[0], artist, track, own[1]))
    write_unescaped_csv(project.source, rows)

    project.run_job({**SMALL, "recommended_tracks": SHOWN})

    assert_all_lead_back_to_the_source(project, connection)
    for model in project.store.rglob("*.safetensors"):
        assert b"listener" not in model.read_bytes(), model


def test_a_source_without_users_goes_all_the_way_and_its_next_model_is_compared(
    project: Project, connection: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_users(*source: Any) -> StagedPlaylists:
        staged = stage_playlists(*source)
        return replace(staged, rows=staged.rows.select("row_id, NULL::VARCHAR AS user_id, playlist, artist, track"))

    stage_playlists = ingestion.stage_playlists
    monkeypatch.setattr(ingestion, "stage_playlists", without_users)

    for seed in (1, 2):
        result = project.run_job({**SMALL, "seed": seed, "recommended_tracks": SHOWN})

    assert_all_lead_back_to_the_source(project, connection)
    decision = result.output_for_node("promotion_decision")
    figures = {name: decision["figures"][name] for name in ("compared_playlists", "left_out_playlists")}
    assert (decision["compared_with"], figures) == (1, {"compared_playlists": 12, "left_out_playlists": 0})
    assert all(check.passed for check in result.get_asset_check_evaluations() if check.blocking)
    assert CliRunner().invoke(main, ["summary", "--storage", str(project.store)]).exit_code == 0
