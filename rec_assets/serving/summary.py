"""``rec-assets summary``: what the last run left in the store."""

import shlex
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rec_assets.core.base.errors import StoreError, naming
from rec_assets.serving.command import errors_as_messages, printable, storage_option

EXAMPLES, LAST, RECOMMENDED = 3, 2, 3
_HIT_RATES = ("validation_hit_rate.json", "test_hit_rate.json")
_RECOMMENDER = "recommender.safetensors"
_TABLES = ("validation_sequences.parquet", "track_catalog.parquet")


@click.command()
@storage_option
def summary(storage: str) -> None:
    """Shows the two hit rates, three example recommendations, where the files are, and what to do next."""
    with errors_as_messages(), tempfile.TemporaryDirectory() as scratch:
        files = {name: _checked(storage, name, Path(scratch)) for name in (*_HIT_RATES, _RECOMMENDER, *_TABLES)}
        shown = _shown(files)
        lines = ["", *_hit_rates(files), *_promoted(storage, Path(scratch)), "", *_examples(shown)]
        lines += ["", *_files(storage), "", *_next_steps(shown)]
    click.echo("\n".join(lines))


def _checked(storage: str, name: str, scratch: Path) -> Path:
    """A local path with the file ``name`` of the store, whose bytes are checked."""
    from upath import UPath

    from rec_assets.store.atomic import download, is_local, local_path
    from rec_assets.store.verified import verify_for_readers

    target = UPath(storage) / name
    if not target.exists():
        raise StoreError(f"{target} does not exist. Run training_job first (make run).")
    with naming(target, f"Materialize {name.partition('.')[0]} again."):
        path = local_path(target) if is_local(target) else scratch / name
        if not is_local(target):
            download(target, path)
        verify_for_readers(path)
    return path


def _hit_rates(files: dict[str, Path]) -> list[str]:
    from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
    from rec_assets.core.base.seal import read_json
    from rec_assets.core.base.tensor_file import read_layout

    with naming(files[_RECOMMENDER], "Materialize recommender again."):
        version = Lineage.from_json(read_layout(files[_RECOMMENDER]).header["notes"][LINEAGE_KEY]).data_version
    lines = []
    for name in _HIT_RATES:
        with naming(files[name], f"Materialize {name.partition('.')[0]} again."):
            report = read_json(files[name])
            made_of = Lineage.from_document(report["lineage"]).ancestors["recommender"]["data_version"]
        lines.append(
            f"{name.split('_')[0] + ' hit rate@' + str(report['k']):24} {report['hit_rate']:.4f}   "
            f"{report['strategy']}, {report['playlists']:,} playlists, popularity {report['popularity_hit_rate']:.4f}"
            + (f"   DEV RUN on {report['sample_percent']:g} % of the playlists" if report["dev_run"] else "")
            + ("" if made_of == version else "   OF AN EARLIER MODEL: run training_job to the end")
        )
    return lines


def _promoted(storage: str, scratch: Path) -> list[str]:
    """Which version readers use, and why the last candidate is not it."""
    from upath import UPath

    from rec_assets.core.base.seal import read_json
    from rec_assets.store.promoted_models import PromotedModels

    try:
        current = PromotedModels(storage, scratch).current()
    except StoreError as error:  # the hit rates of the last run are of use all the same
        return [f"{'promoted model':24} {error}"]
    named = (
        f"version {current['version']}, hit rate@{current['k']} {current['hit_rate']:.4f}" if current else "none yet"
    )
    lines = [f"{'promoted model':24} {named}"]
    decision = "promotion_decision.json"
    if (UPath(storage) / decision).exists():
        report = read_json(_checked(storage, decision, scratch))
        reasons = "; and ".join(report["reasons"])
        lines += [] if report["promote"] else [f"{'':24} the last candidate was REFUSED: {reasons}"]
    return lines


def _shown(files: dict[str, Path]) -> list[dict[str, Any]]:
    """The tracks of the examples, with their names."""
    import duckdb

    from rec_assets.core.base.flat_sequences import FlatSequences
    from rec_assets.core.base.relations import read_table
    from rec_assets.core.evaluation.comparison import example_playlists
    from rec_assets.core.playlists.catalog import with_names
    from rec_assets.core.recommender.recommender import open_recommender

    with naming(files[_RECOMMENDER], "Materialize recommender again."):
        recommender, _, _ = open_recommender(files[_RECOMMENDER])
    with duckdb.connect() as connection:
        sequences, catalog = (read_table(connection, files[name]) for name in _TABLES)
        shown = example_playlists(recommender, FlatSequences.from_relation(sequences.limit(EXAMPLES)))
        return with_names(catalog, [asdict(track) for track in shown])


def _examples(shown: list[dict[str, Any]]) -> list[str]:
    from rec_assets.core.playlists.catalog import track_name

    lines: list[str] = []
    for playlist in dict.fromkeys(row["playlist"] for row in shown):
        history, recommended = (
            [
                printable(track_name(row["artist"], row["track"]))
                for row in shown
                if (row["playlist"], row["part"]) == (playlist, part)
            ]
            for part in ("history", "recommended")
        )
        lines.append(f"after … {' · '.join(history[-LAST:])}")
        lines += [f"    {place}. {name}" for place, name in enumerate(recommended[:RECOMMENDED], start=1)]
    return lines


def _next_steps(shown: list[dict[str, Any]]) -> list[str]:
    named = (shlex.join(printable(row[name] or "") for name in ("artist", "track")) for row in shown if row["track"])
    asked = next(named, "ARTIST TRACK")
    # As it was called: the environment of `make run` is not on the PATH.
    command = sys.argv[0] if Path(sys.argv[0]).name == "rec-assets" else "rec-assets"
    return [
        "what to do next",
        f"    ask the promoted model      {command} recommend {asked} --why",
        "    see the graph and report    make dev",
        "    train on your playlists     REC_ASSETS_SOURCE=FILE REC_ASSETS_STORAGE=FOLDER make run",
    ]


def _files(storage: str) -> list[str]:
    from upath import UPath

    shown = [path for path in UPath(storage).iterdir() if not path.name.startswith(".") and path.is_file()]
    files = sorted(shown, key=lambda path: path.name)
    sizes = [f"    {path.name:36} {path.stat().st_size / 1e6:>10,.2f} MB" for path in files]
    return [f"files in {storage}", *sizes]
