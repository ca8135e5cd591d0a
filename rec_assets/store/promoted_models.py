"""The promoted models of a store: a file per version, never written twice, and a small one that names the current.

Readers open the small file first, so they see the old model or the new one. Nothing here imports Dagster.
"""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from upath import UPath

from rec_assets.core.base.errors import StoreError, UnreadableError, naming
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.seal import read_json, write_json
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.base.shape import Moment, Version
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.model import Facts, PromotedModel, open_promoted, read_facts, save_promoted
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.store.atomic import atomic_file, download
from rec_assets.store.local import is_local, local_path
from rec_assets.store.places import cached_copy, place
from rec_assets.store.stamps import ReplacedError, Stamp
from rec_assets.store.verified import verify, verify_for_readers

POINTER, FOLDER, SUFFIX = "promoted_model.json", "promoted_models", ".safetensors"
# A version may be removed between the two reads; so many promotions in between are no coincidence.
_TRIES = 5
GO_BACK = "Choose a kept version (rec-assets promote), or run training_job with replace_unreadable: true."


class PromotionSettings(Settings):
    """What is kept of promoted models."""

    kept_versions: int = setting(
        5,
        "Number of promoted versions that are kept, the current one included. Older ones are deleted.",
        ge=1,
        le=1_000,
    )


class _Pointer(Facts):
    promoted_at: Moment
    promoted_by: str
    kept: list[Version]


class PromotedModels:
    """The promoted models of the store ``base``, a folder or a URL; a URL needs ``scratch``, a folder for copies."""

    def __init__(self, base: str, scratch: Path | None = None) -> None:
        self.base, self._scratch = base, scratch

    def current(self) -> dict[str, Any] | None:
        """Facts of the current model with the ``kept`` versions and its ``lineage``; None if nothing was promoted.

        Raises StoreError: the file that names it is damaged, or of an older version of this package.
        """
        pointer = place(self.base) / POINTER
        if not pointer.exists():
            return None
        with naming(pointer, GO_BACK), self._copy(pointer) as path:
            verify(path, again=True)
            document = read_json(path)
            Lineage.from_document(document.get("lineage"))
            _Pointer.require(document)
            return document

    def open_current(self, *, again: bool = False) -> PromotedModel:
        """The current model, mapped from its file; ``again`` as of :meth:`open`.

        Raises StoreError: nothing was promoted, or its file is missing or damaged.
        """
        for _ in range(_TRIES):
            facts = self.current()
            if facts is None:
                raise StoreError(self.none_promoted())
            try:
                return self.open(facts["version"], again=again)
            except StoreError:
                if self.current() == facts:
                    raise
        raise StoreError(f"{self.base}: each model was gone before it was opened. Keep more versions (kept_versions).")

    def none_promoted(self) -> str:
        """Why there is no current model, and what to do."""
        if is_local(place(self.base)) and not place(self.base).exists():
            return f"{self.base} does not exist. Name the folder of a store, or run training_job (make run) first."
        see = f"See why: rec-assets summary --storage {shlex.quote(self.base)}"
        is_decided = (place(self.base) / "promotion_decision.json").exists()
        do = see if is_decided else "Run training_job (make run) first."
        return f"no model is promoted in {self.base}. {do}"

    def open(self, version: int, *, again: bool = False) -> PromotedModel:
        """The model of one ``version``, whose bytes are checked unless a reader did before; ``again`` = even then.

        Raises StoreError: it is not kept here, damaged, or of another version of this package.
        """
        with self._local(version, again=again) as path:
            model = open_promoted(path)
            _require_version(model.facts, version)
            return model

    def facts(self, version: int) -> dict[str, Any]:
        """The facts of one ``version``. Raises as :meth:`open` does."""
        with self._local(version, again=False) as path:
            facts, _ = read_facts(path)
            _require_version(facts, version)
            return facts

    def written_at(self, version: int) -> float:
        """When the file of ``version`` was written, in seconds since 1970."""
        return self._target(version).stat().st_mtime

    def stored(self) -> list[int]:
        """All versions whose file is here, ascending; the last may be one whose promotion was cut off."""
        folder = place(self.base) / FOLDER
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        numbers = [name.removeprefix("v").removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
        return sorted(int(number) for number in numbers if number.isdecimal())

    def next_version(self) -> int:
        """One above every version that is stored or known to have been."""
        return 1 + max([0, *self.stored(), *self.known()])

    def current_or_none(self) -> dict[str, Any] | None:
        """As :meth:`current`, and None as well where the file that names it is damaged."""
        try:
            return self.current()
        except StoreError:
            return None

    def known(self) -> list[int]:
        """The kept versions, the one promoted last at the end; where no file names the current one, all stored ones."""
        current = self.current_or_none()
        return current["kept"] if current else self.stored()

    def add(self, recommender: Recommender, names: TrackNames, facts: dict[str, Any], lineage: Lineage) -> UPath:
        """Store a model under the ``version`` in its ``facts``; it is not current yet.

        Raises StoreError: no space or no permission, or the version is there already: another run promotes, too.
        """
        target = self._target(facts["version"])
        taken = StoreError(
            f"{target} is there already: another run promotes at the same time. Run one after the other."
        )
        if target.exists():
            raise taken
        try:
            with atomic_file(target, self._folder(), over=Stamp(None)) as temporary:
                save_promoted(recommender, names, facts, lineage, temporary)
        except ReplacedError as error:
            raise taken from error
        return target

    def stamp(self) -> Stamp:
        """The stamp of the last promotion, for :meth:`point_to`; take it before you look at what is current."""
        return Stamp.of(place(self.base) / POINTER)

    def point_to(
        self, version: int, *, by: str, kept: list[int] | None = None, over: Stamp | None = None
    ) -> dict[str, Any]:
        """Make a stored ``version`` current, whose file is read in full first; returns its new facts.

        ``by`` says who does it, for people; ``kept`` versions stay, by default those that are kept now and this one.

        Raises StoreError: it is not kept, or damaged, or somebody promoted since the stamp ``over`` was taken (by
        default: since this call began); then nothing has changed.
        """
        over = over or self.stamp()
        with self._local(version, again=True) as path:
            facts, lineage = read_facts(path)
            _require_version(facts, version)
            open_promoted(path)
        kept = kept or kept_versions(self.known(), version)
        own = {"promoted_at": now(), "promoted_by": by, "kept": kept, "lineage": lineage.as_document()}
        document = {**facts, **own}
        try:
            with atomic_file(place(self.base) / POINTER, self._folder(), over=over) as temporary:
                write_json(document, temporary)
        except ReplacedError as error:
            raise StoreError(
                f"version {version} is not promoted in {self.base}: another promotion came first. Look what is "
                "promoted now (rec-assets promote), and run training_job again or promote by hand."
            ) from error
        return document

    def remove_all_but(self, kept: list[int]) -> list[int]:
        """Remove the files of other versions than ``kept``, and return these; readers that have one open go on."""
        removed = [version for version in self.stored() if version not in kept]
        for version in removed:
            self._target(version).unlink(missing_ok=True)
        return removed

    def _target(self, version: int) -> UPath:
        return place(self.base) / FOLDER / f"v{version:04d}{SUFFIX}"

    @contextmanager
    def _local(self, version: int, *, again: bool) -> Iterator[Path]:
        """A local path with the file of ``version``, whose bytes are checked; what is mapped stays readable."""
        target = self._target(version)
        if not target.exists():
            kept = ", ".join(map(str, self.stored())) or "none"
            raise StoreError(f"version {version} is not in {self.base}; there are {kept}.")
        with naming(target, GO_BACK):
            path = local_path(target) if is_local(target) else cached_copy(target, self._folder())
            if again:
                verify(path, again=True)
            else:
                verify_for_readers(path)
            yield path

    @contextmanager
    def _copy(self, target: UPath) -> Iterator[Path]:
        """A local path with the content of the small file ``target``, for the block."""
        if is_local(target):
            yield local_path(target)
            return
        copy = self._folder() / target.name
        download(target, copy)
        try:
            yield copy
        finally:
            copy.unlink()

    def _folder(self) -> Path:
        return self._scratch or Path(self.base)


def kept_versions(known: list[int], version: int, *, count: int | None = None) -> list[int]:
    """The last ``count`` of ``known`` and ``version``, which becomes current, in the order of their promotion."""
    return [*(other for other in known if other != version), version][-(count or 0) :]


def _require_version(facts: dict[str, Any], version: int) -> None:
    """Refuses a file of another version that was copied to this name."""
    if facts.get("version") != version:
        raise UnreadableError(f"holds version {facts.get('version')}, not {version}")


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
