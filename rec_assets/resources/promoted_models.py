"""The promoted models of a store: a file per version, never written twice, and a small one that names the current.

Readers open the small file first, so they see the old model or the new one. Nothing here imports Dagster.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from upath import UPath

from rec_assets.core.errors import StoreError
from rec_assets.core.promoted import PromotedModel, load_facts, load_promoted, save_promoted
from rec_assets.resources.atomic import atomic_file, download, is_local, local_path
from rec_assets.resources.json_text import json_text

POINTER, FOLDER, SUFFIX = "promoted_model.json", "promoted_models", ".safetensors"
# A version may be removed between the two reads; promoting so often in between is no coincidence any more.
_TRIES = 5


class PromotedModels:
    """The promoted models below ``base``, a folder or a URL.

    Args:
        base: of the store.
        scratch: a folder for downloads and uploads; needed for a URL only.
    """

    def __init__(self, base: str, scratch: Path | None = None) -> None:
        self.base, self._scratch = base, scratch

    def current(self) -> dict[str, Any] | None:
        """Facts of the current model with the ``kept`` versions and its ``lineage``; None if nothing was promoted.

        Raises:
            StoreError: the file that names it is damaged.
        """
        pointer = UPath(self.base) / POINTER
        try:
            document = json.loads(pointer.read_text(encoding="utf-8"))
            document |= {"version": int(document["version"]), "kept": _kept(document)}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{pointer} does not say which model is promoted ({error!r}). Choose a version: rec-assets promote."
            ) from error
        return document

    def open_current(self) -> PromotedModel:
        """The current model, mapped from its file.

        Raises:
            StoreError: nothing was promoted, or its file is missing or damaged.
        """
        for _ in range(_TRIES):
            facts = self.current()
            if facts is None:
                raise StoreError(f"no model is promoted in {self.base}. Run training_job first.")
            try:
                return self.open(int(facts["version"]))
            except StoreError:
                if self.current() == facts:
                    raise
        raise StoreError(f"{self.base}: each model was gone before it was opened. Keep more versions (kept_versions).")

    def open(self, version: int, *, verify: bool = False) -> PromotedModel:
        """The model of one ``version``. Raises as :func:`~rec_assets.core.promoted.load_promoted` does."""
        with self._local(version) as path:
            return load_promoted(path, verify=verify)

    def facts(self, version: int) -> dict[str, Any]:
        """The facts of one ``version``.

        Raises:
            StoreError: it is not kept here.
        """
        with self._local(version) as path:
            return load_facts(path)

    def written_at(self, version: int) -> float:
        """When the file of ``version`` was written, in seconds since 1970."""
        return self._target(version).stat().st_mtime

    def stored(self) -> list[int]:
        """All versions whose file is here, ascending; the last may be one whose promotion was cut off."""
        folder = self._unlisted(UPath(self.base) / FOLDER)
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
        """The kept versions, the one promoted last at the end; without a readable pointer, all that are stored."""
        current = self.current_or_none()
        return _kept(current) if current else self.stored()

    def add(self, model: PromotedModel) -> UPath:
        """Store ``model`` under the version in its facts; it is not current yet.

        Raises:
            StoreError: no space or no permission, or the version is there already: another run promotes, too.
        """
        target = self._unlisted(self._target(model.facts["version"]))
        if target.exists():
            raise StoreError(
                f"{target} is there already: another run promotes at the same time. Run one after the other."
            )
        with atomic_file(target, self._folder()) as temporary:
            save_promoted(model, temporary)
        return target

    def point_to(self, version: int, *, by: str) -> dict[str, Any]:
        """Make a kept ``version`` current, whose file is read in full first.

        Args:
            version: one of :meth:`stored`.
            by: who does it, for people.

        Returns:
            The new facts.

        Raises:
            StoreError: it is not kept, or damaged; then nothing has changed.
        """
        facts = self.open(version, verify=True).facts
        kept = kept_versions(self.known(), version)
        document = {**facts, "promoted_at": now(), "promoted_by": by, "kept": kept}
        with atomic_file(UPath(self.base) / POINTER, self._folder()) as temporary:
            temporary.write_text(json_text(document), encoding="utf-8")
        return document

    def remove_all_but(self, kept: list[int]) -> list[int]:
        """Remove the files of other versions than ``kept``; readers that have one open go on. Returns the removed."""
        removed = [version for version in self.stored() if version not in kept]
        for version in removed:
            self._target(version).unlink(missing_ok=True)
        return removed

    def _target(self, version: int) -> UPath:
        return UPath(self.base) / FOLDER / f"v{version:04d}{SUFFIX}"

    @contextmanager
    def _local(self, version: int) -> Iterator[Path]:
        target = self._unlisted(self._target(version))
        if not target.exists():
            kept = ", ".join(map(str, self.stored())) or "none"
            raise StoreError(f"version {version} is not in {self.base}; there are {kept}.")
        if is_local(target):
            yield local_path(target)
            return
        copy = self._folder() / target.name
        download(target, copy)
        try:
            yield copy
        finally:
            copy.unlink()  # what is mapped stays readable

    def _unlisted(self, path: UPath) -> UPath:
        """``path``, of which no listing is remembered: another process may have promoted since."""
        path.fs.invalidate_cache()
        return path

    def _folder(self) -> Path:
        return self._scratch or Path(self.base)


def kept_versions(known: list[int], version: int, *, count: int | None = None) -> list[int]:
    """``known`` with ``version``, which becomes the current one, at the end; the last ``count`` of them.

    In the order in which they were promoted, so that the one that readers were on is the last to go.
    """
    return [*(other for other in known if other != version), version][-(count or 0) :]


def _kept(current: dict[str, Any]) -> list[int]:
    return [int(version) for version in current["kept"]]


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
