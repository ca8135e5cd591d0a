"""``rec-assets summary``: what the last run left in the store, and what to do next."""

import os
import shlex
import tempfile
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rec_assets.core.base.errors import StoreError, naming
from rec_assets.paths import CHECKOUT, DEFAULT_STORAGE, command, storage_base
from rec_assets.serving.command import errors_as_messages, printable, printable_track, storage_option

if TYPE_CHECKING:
    from rec_assets.store.promoted_models import PromotedModels

EXAMPLES, LAST, RECOMMENDED = 3, 2, 3
_HIT_RATES = ("validation_hit_rate.json", "test_hit_rate.json")
_RECOMMENDER, _REPORT = "recommender.safetensors", "recommendation_report.html"
_TABLES = ("validation_sequences.parquet", "track_catalog.parquet")

_MEANING = "(hit rate@k: how often the last track of a held-out playlist is among the k recommended after the others)"


@click.command()
@storage_option
def summary(storage: str) -> None:
    """Shows hit rates, examples, files, and what to do next."""
    from rec_assets.store.promoted_models import PromotedModels

    with errors_as_messages(), tempfile.TemporaryDirectory() as scratch:
        models = PromotedModels(storage, Path(scratch))
        files = {name: _checked(storage, name, Path(scratch)) for name in (*_HIT_RATES, _RECOMMENDER, *_TABLES)}
        shown = _shown(files)
        lines = ["", *_hit_rates(files), *_promoted(models, Path(scratch)), _MEANING, "", *_examples(shown)]
        lines += ["", *_files(storage), "", *_next(models, shown)]
    click.echo("\n".join(lines))


def _reading(path: Path) -> AbstractContextManager[None]:
    """A block that reads ``path``, a checked file of an asset."""
    import duckdb

    return naming(path, f"Materialize {path.name.partition('.')[0]} again.", duckdb.Error)


def _checked(storage: str, name: str, scratch: Path) -> Path:
    """A local path with the file ``name`` of the store, whose bytes are checked."""
    from rec_assets.store.atomic import download, is_local, local_path
    from rec_assets.store.places import place
    from rec_assets.store.verified import verify_for_readers

    target = place(storage) / name
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
    from rec_assets.serving.shapes import HitRate

    with _reading(files[_RECOMMENDER]):
        version = Lineage.from_json(read_layout(files[_RECOMMENDER]).header["notes"][LINEAGE_KEY]).data_version
    lines = []
    for name in _HIT_RATES:
        with _reading(files[name]):
            report = read_json(files[name])
            HitRate.require(report)
            made_of = Lineage.from_document(report["lineage"]).ancestors["recommender"]["data_version"]
        lines.append(
            f"{name.split('_')[0] + ' hit rate@' + str(report['k']):24} {report['hit_rate']:.4f}   "
            f"{printable(report['strategy'])}, {report['playlists']:,} playlists; "
            f"the most popular tracks reach {report['popularity_hit_rate']:.4f}"
            + (f"   DEV RUN on {report['sample_percent']:g} % of the playlists" if report["dev_run"] else "")
            + ("" if made_of == version else "   OF AN EARLIER MODEL: run training_job to the end")
        )
    return lines


def _refused(models: "PromotedModels", scratch: Path) -> str:
    """Why the last candidate is not promoted; empty = it is, or there is none."""
    from rec_assets.core.base.seal import read_json
    from rec_assets.serving.shapes import PromotionDecision
    from rec_assets.store.places import place

    decision = "promotion_decision.json"
    if not (place(models.base) / decision).exists():
        return ""
    path = _checked(models.base, decision, scratch)
    with _reading(path):
        report = read_json(path)
        PromotionDecision.require(report)
    return "" if report["promote"] else printable("; and ".join(report["reasons"]))


def _promoted(models: "PromotedModels", scratch: Path) -> list[str]:
    """Which version readers use, and why the last candidate is not it."""
    try:
        current = models.current()
    except StoreError as error:  # the hit rates of the last run are of use all the same
        return [f"{'promoted model':24} {error}"]
    named = (
        f"version {current['version']}, hit rate@{current['k']} {current['hit_rate']:.4f}" if current else "none yet"
    )
    lines, refused = [f"{'promoted model':24} {named}"], _refused(models, scratch)
    return [*lines, f"{'':24} the last candidate was REFUSED: {refused}"] if refused else lines


def _shown(files: dict[str, Path]) -> list[dict[str, Any]]:
    """The tracks of the examples, with their names."""
    import duckdb

    from rec_assets.core.base.flat_sequences import FlatSequences
    from rec_assets.core.base.relations import read_table
    from rec_assets.core.evaluation.comparison import example_playlists
    from rec_assets.core.playlists.catalog import with_names
    from rec_assets.core.recommender.recommender import open_recommender

    held_out, catalog = (files[name] for name in _TABLES)
    with duckdb.connect() as connection:
        with _reading(held_out):
            sequences = FlatSequences.from_relation(read_table(connection, held_out).limit(EXAMPLES))
        with _reading(files[_RECOMMENDER]):
            recommender, _, _ = open_recommender(files[_RECOMMENDER])
            shown = example_playlists(recommender, sequences)
        with _reading(catalog):
            return with_names(read_table(connection, catalog), [asdict(track) for track in shown])


def _examples(shown: list[dict[str, Any]]) -> list[str]:
    lines = ["examples, from held-out playlists"]
    for playlist in dict.fromkeys(row["playlist"] for row in shown):
        history, recommended = (
            [
                printable_track(row["artist"], row["track"])
                for row in shown
                if (row["playlist"], row["part"]) == (playlist, part)
            ]
            for part in ("history", "recommended")
        )
        lines.append(f"after … {' · '.join(history[-LAST:])}")
        lines += [f"    {place}. {name}" for place, name in enumerate(recommended[:RECOMMENDED], start=1)]
    return lines


def _next(models: "PromotedModels", shown: list[dict[str, Any]]) -> list[str]:
    """Lines to copy, which work as they are in the folder where the command was called."""
    from rec_assets.store.places import place

    option = "" if models.base == storage_base() == DEFAULT_STORAGE else f" --storage {shlex.quote(models.base)}"
    report, known, lines = place(models.base) / _REPORT, _known_track(models, shown), []
    if known:
        lines.append(f"{shlex.quote(command())} recommend {shlex.join(known)} --why{option}  # ask the promoted model")
    if report.exists() and "://" not in models.base:
        lines.append(f"{shlex.quote(str(report))}  # the last training's report: open it in a browser")
    if not (known and report.exists()):
        execute = "job execute -m rec_assets.definitions -j training_job"
        lines.append(f"{_in_checkout('run', execute, option)}  # train with report and promotion")
    ui = _in_checkout("dev", "dev -m rec_assets.definitions", option)
    lines.append(f"{ui}  # the graph and its history, at http://127.0.0.1:3000/runs")
    return ["Next:", *(f"    {line}" for line in lines)]


def _in_checkout(target: str, words: str, option: str) -> str:
    """``make target`` for the store of ``option``; where the package was installed, ``dagster`` with ``words``."""
    source = os.environ.get("REC_ASSETS_SOURCE", "")
    source = source if "://" in source or not source else str(Path(source).expanduser().absolute())
    setting = f"REC_ASSETS_SOURCE={shlex.quote(source)} " if source else ""
    setting += option.replace(" --storage ", "REC_ASSETS_STORAGE=") + " " if option else ""
    if (CHECKOUT / "Makefile").exists():
        place = "" if Path.cwd() == CHECKOUT else f"-C {shlex.quote(str(CHECKOUT))} "
        return f"{setting}make {place}{target}"
    dagster = shlex.quote(str(Path(command()).with_name("dagster")))
    return f"{setting}DAGSTER_HOME=$({shlex.quote(command())} home{option}) {dagster} {words}"


def _known_track(models: "PromotedModels", shown: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Artist and title of a track of the examples that the promoted model knows, as a shell can ask for it."""
    try:
        names = models.open_current().names
    except StoreError:
        return None
    for row in shown:
        artist, title = row["artist"] or "", row["track"] or ""
        is_plain = all(printable(name) == name and not name.startswith("-") for name in (artist, title))
        if title and is_plain and names.find(artist, title).is_exact:
            return artist, title
    return None


def _files(storage: str) -> list[str]:
    from rec_assets.store.places import place

    shown = [path for path in place(storage).iterdir() if not path.name.startswith(".") and path.is_file()]
    files = sorted(shown, key=lambda path: path.name)
    sizes = [f"    {path.name:36} {path.stat().st_size / 1e6:>10,.2f} MB" for path in files]
    return [f"files in {storage}", *sizes]
