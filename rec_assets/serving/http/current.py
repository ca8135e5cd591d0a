"""The model that is served: a thread watches which one is promoted, opens a new one beside the old and swaps them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from rec_assets.core.base.errors import RecAssetsError, StoreError
from rec_assets.core.names.search import Found
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.store.promoted_models import PromotedModels

# A file that cannot be used is rarely repaired, and reading a large one takes a second.
RETRY_SECONDS = 30.0
_PATIENCE = 5.0
# Misspelt names take some 50 ms each among millions of tracks; so many answers take some MB.
_REMEMBERED = 4_096
_MOST_SUGGESTED = 8
_log = logging.getLogger("rec_assets.serving")


@dataclass(frozen=True)
class Served:
    """An opened ``model`` with its facts; a request takes it once, so that it sees one version.

    Attributes:
        facts: see :meth:`PromotedModels.current`.
        find: :meth:`TrackNames.find` of the model, with a memory: who builds a playlist asks for its tracks again.
        suggest: :meth:`TrackNames.suggest` of the model, with a memory: most words begin alike.
    """

    model: PromotedModel
    facts: dict[str, Any]
    find: Callable[[str, str], Found]
    suggest: Callable[[str], list[int]]

    @classmethod
    def of(cls, model: PromotedModel, facts: dict[str, Any]) -> "Served":
        """``model`` with an empty memory."""
        suggest = partial(model.names.suggest, most=_MOST_SUGGESTED)
        return cls(model, facts, lru_cache(_REMEMBERED)(model.names.find), lru_cache(_REMEMBERED)(suggest))

    @property
    def age(self) -> float:
        """Seconds since it was promoted."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.facts["promoted_at"])).total_seconds()


class CurrentModel:
    """Follows what is promoted in the store of ``models``, with ``poll_seconds`` between two looks.

    Attributes:
        served: what answers now; None until a model could be opened.
        problem: why what is promoted is not what is served; None if it is.
    """

    def __init__(self, models: PromotedModels, *, poll_seconds: float = 1.0) -> None:
        self.served: Served | None = None
        self.problem: str | None = "the model is being opened."
        self._models, self._poll_seconds = models, poll_seconds
        self._failed: dict[str, Any] | None = None
        self._retry_at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="current-model", daemon=True)

    def start(self) -> None:
        """Look once, and then every ``poll_seconds`` in a thread."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(_PATIENCE)

    def _follow(self) -> None:
        while not self._ended.wait(self._poll_seconds):
            self.look()

    def look(self) -> None:
        """Serve what is promoted now; if that fails, say so in ``problem`` and keep the old model. Raises nothing."""
        facts = None
        try:
            facts = self._models.current()
            if facts is None:
                raise StoreError(self._models.none_promoted())
            if facts == self._failed and time.monotonic() < self._retry_at:
                return
            self._serve(facts)
        except Exception as error:  # noqa: BLE001 - whatever a file holds, the old model goes on
            self._report(facts, error)

    def _serve(self, facts: dict[str, Any]) -> None:
        old = self.served
        if old is None or old.facts != facts:
            is_open = old is not None and _of_file(old.facts) == _of_file(facts)
            model = old.model if old and is_open else self._opened(facts["version"])
            # In this order: who reads that there is no problem reads the new model.
            self.served, self.problem = Served.of(model, facts), None
            _log.info("version %s is served: hit rate@%s %.4f", *(facts[name] for name in ("version", "k", "hit_rate")))
        self.problem, self._failed = None, None

    def _opened(self, version: int) -> PromotedModel:
        """The model, whose bytes were checked and which answered one question: the first request is as quick as any."""
        model = self._models.open(version)
        track = int(model.recommender.tracks.track_index[0])
        artist, title = model.names.name_of(track)
        model.names.find(artist or "", title or "")
        model.names.suggest("a", most=1)
        recommend_after(model, [track], k=100, reasons=True)
        return model

    def _report(self, facts: dict[str, Any] | None, error: Exception) -> None:
        if facts is not None and self._has_moved_on(facts):
            return
        self._failed, self._retry_at = facts, time.monotonic() + RETRY_SECONDS
        reason = str(error) if isinstance(error, RecAssetsError) else repr(error)
        problem = reason if facts is None else f"version {facts['version']} cannot be served: {reason}"
        if problem != self.problem:
            kept = f"version {self.served.facts['version']} goes on." if self.served else "No model is served."
            _log.error("%s %s", problem, kept)
        self.problem = problem

    def _has_moved_on(self, facts: dict[str, Any]) -> bool:
        """Whether another model is promoted by now: that the file of the one before is gone is no problem."""
        try:
            return self._models.current() != facts
        except Exception:  # noqa: BLE001 - an object store has errors of its own, and the first one is reported
            return False


def _of_file(facts: dict[str, Any]) -> dict[str, Any]:
    """The ``facts`` without what changes when the same file is promoted again."""
    return {name: value for name, value in facts.items() if name not in ("promoted_at", "promoted_by", "kept")}
