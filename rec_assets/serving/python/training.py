"""From a DataFrame of playlist rows to a model, in memory: the steps of the graph without store, gate and Dagster."""

import logging
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Connection, Relation, connect_spilling, full_disk_explained, stored
from rec_assets.core.base.settings import setting
from rec_assets.core.evaluation.comparison import rank_held_out
from rec_assets.core.evaluation.figures import report_hit_rate
from rec_assets.core.playlists.catalog import build_track_catalog
from rec_assets.core.playlists.readers.refusal import is_refused, refusal, rejects_note
from rec_assets.core.playlists.readers.settings import SourceSettings
from rec_assets.core.playlists.readers.staging import stage_playlists
from rec_assets.core.playlists.repeats import refuse_repeating
from rec_assets.core.playlists.sequences import SequencesSettings, build_sequences, count_playlists
from rec_assets.core.playlists.splits import SplitSettings, split_sequences
from rec_assets.core.promoted.model import PromotedModel, names_of_catalog
from rec_assets.core.ranker.training import TrackRankerSettings, train_track_ranker
from rec_assets.core.recommender.fitting import asks_ranker, asks_vectors, fit_recommender, for_small_library
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import Fitted, RecommenderSettings
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import (
    lowered_min_count,
    train_word2vec,
    untrained_vectors,
)
from rec_assets.paths import memory_limit
from rec_assets.serving.python.frames import write_frame
from rec_assets.serving.python.model import Model
from rec_assets.store.temporary import ScratchFolder

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("rec_assets.train")
_OF_FILES = ("source", "format", "delimiter", "header", "several_files")


class TrainSettings(SourceSettings, SequencesSettings, SplitSettings, TrackRankerSettings, RecommenderSettings):
    """Every setting from rows to a measured recommender, flat."""

    fitted: Fitted = setting(Fitted.chosen, "Nothing is compared here, so that only what the strategy needs is fitted.")
    reproducible: bool = setting(True, "Trains Word2Vec on one thread: the same rows and settings give the same model.")


def train(frame: "pd.DataFrame", **settings: Any) -> Model:
    """Train on playlist rows in memory, and measure the model on playlists that it has not seen.

    It takes the steps of ``training_job`` and gives the model that this would promote with ``reproducible: true``, but
    keeps no file and asks no gate. Progress is logged at level INFO by the logger ``rec_assets.train``; what had to be
    changed or left out, at level WARNING.

    Args:
        frame: a row for each track of a playlist, in order; columns ``user``, ``playlist``, ``artist``, ``track`` under
            any name that files may have for them. User and artist may be missing.
        settings: those of ingestion, preparation and training by name, such as
            ``seed``, ``epochs``, ``strategy``, ``k``, ``columns``.
            Other defaults are ``reproducible=True`` and ``fitted="chosen"``.

    Example:
        >>> import pandas as pd
        >>> import rec_assets
        >>> rows = [(f"list {n}", "ABBA", f"Song {(n + place) % 12}") for n in range(60) for place in range(5)]
        >>> frame = pd.DataFrame(rows, columns=["playlist", "artist", "track"])
        >>> model = rec_assets.train(frame, k=3, seed=1)
        >>> model.recommend([("ABBA", "Song 3"), ("ABBA", "Song 4")], k=1)["track"].tolist()
        ['Song 5']

    Raises:
        SettingsError: there is no such setting, or its value cannot be.
        SourceError: the rows cannot be read, or are too few.
        DataError: there is too little to learn from.
        TrainingError: training failed.
    """
    asked = _settings(settings)
    with closing(ScratchFolder()) as scratch, connect_spilling(memory_limit(), scratch.path / "spill") as connection:
        steps = _Steps(connection, scratch.path, asked)
        with full_disk_explained(scratch.path):
            return steps.model(steps.rows(frame))


def _settings(values: dict[str, Any]) -> TrainSettings:
    for name in (name for name in _OF_FILES if name in values):
        raise SettingsError(f"`{name}` is a setting of files, and train reads a DataFrame. Leave it out.")
    return TrainSettings(**values)


class _Steps:
    """The steps from a frame to a model; tables are kept in ``folder``, so that each is made once."""

    def __init__(self, connection: Connection, folder: Path, settings: TrainSettings) -> None:
        self._connection, self._folder, self._settings = connection, folder, settings

    def rows(self, frame: "pd.DataFrame") -> Relation:
        """The playlist rows of ``frame``, without its rejects."""
        file = write_frame(frame, self._settings, self._folder)
        staged = stage_playlists(self._connection, [file], self._settings, self._folder)
        if is_refused(staged, self._settings.max_reject_share):
            raise refusal(staged, self._settings.max_reject_share)
        for note in [*staged.notes, *([rejects_note(staged)] if staged.reject_count else [])]:
            _log.warning("%s.", note)
        return self._kept(staged.rows, "rows")

    def model(self, rows: Relation) -> Model:
        """Trained, measured, and with the names of its tracks."""
        catalog = self._catalog(rows)
        parts = self._parts(rows, catalog)
        recommender = self._recommender(parts["train"], catalog)
        measured = {part: _measured(recommender, part, parts[part]) for part in ("validation", "test")}
        return Model(PromotedModel(recommender, names_of_catalog(catalog, recommender.tracks), {}), measured)

    def _catalog(self, rows: Relation) -> Relation:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            return self._kept(build_track_catalog(self._connection, rows, Path(folder)), "catalog")

    def _parts(self, rows: Relation, catalog: Relation) -> dict[str, Relation]:
        own, settings = SequencesSettings.among(self._settings), self._settings
        counts = count_playlists(rows, **own)
        _log.info("%s of %s playlists are used", *(f"{counts[name]:,}" for name in ("kept", "all_playlists")))
        sequences = self._kept(build_sequences(self._connection, rows, catalog, self._folder, **own), "sequences")
        refuse_repeating(sequences, settings.max_repeated_share)
        parts = split_sequences(sequences, shares=settings.shares(), seed=settings.split_seed, split=settings.split)
        return {part: self._kept(table, part) for part, table in parts.items()}

    def _recommender(self, train_sequences: Relation, catalog: Relation) -> Recommender:
        training, artists, ranker = FlatSequences.from_relation(train_sequences), artist_numbers(catalog), None
        embeddings = self._embeddings(training)
        if asks_ranker(self._settings):
            own = TrackRankerSettings(**TrackRankerSettings.among(self._settings))
            ranker = train_track_ranker(
                train_sequences,
                artists,
                own,
                warn=_log.warning,
                on_epoch=lambda progress: _log.info("vectors: %s", progress),
                on_fitted=lambda playlists: _log.info("ranker: strategies fitted on %s playlists", f"{playlists:,}"),
                on_progress=log_share(_log.info),
            )
        settings = RecommenderSettings(**RecommenderSettings.among(self._settings))
        settings, changes = for_small_library(settings, len(embeddings), ranker)
        for sentence in changes:
            _log.warning(sentence)
        fitted = fit_recommender(training, artists, embeddings, ranker, settings)
        _log.info("%s fitted on %s playlists", fitted.chosen.label, f"{len(training):,}")
        return fitted

    def _embeddings(self, training: FlatSequences) -> TrackEmbeddings:
        own = lowered_min_count(self._settings, training, _log.warning)
        if self._settings.fitted is Fitted.chosen and not asks_vectors(self._settings):
            return untrained_vectors(training, own.min_count)
        embeddings = train_word2vec(training, own, lambda progress: _log.info("vectors: %s", progress)).embeddings
        embeddings.require_finite()
        return embeddings

    def _kept(self, table: Relation, name: str) -> Relation:
        return stored(self._connection, table, self._folder / f"{name}.parquet")


def _measured(recommender: Recommender, part: str, sequences: Relation) -> dict[str, Any]:
    told = partial(log_share(_log.info), f"{part} playlists ranked")
    ranks = rank_held_out(recommender, FlatSequences.from_relation(sequences), told)
    report = report_hit_rate(vars(ranks), k=recommender.settings.k)
    _log.info("hit rate@%s on %s: %.4f", report["k"], part, report["hit_rate"])
    return report
