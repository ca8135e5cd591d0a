"""The files of assets: one per asset, in a folder or below a URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field
from upath import UPath

from rec_assets.core.base.errors import DataError, StoreError, naming
from rec_assets.core.base.lineage import Lineage
from rec_assets.store.atomic import atomic_file, download
from rec_assets.store.duckdb import SharedDuckDB
from rec_assets.store.formats import FORMATS, Format, format_of
from rec_assets.store.history import require_own
from rec_assets.store.local import is_local, local_path
from rec_assets.store.places import place
from rec_assets.store.promoted_models import GO_BACK, POINTER, PromotedModels
from rec_assets.store.refused import RunRefusedError
from rec_assets.store.verified import verify
from rec_assets.store.written import Describe, describe_file


class AssetStore(dg.ConfigurableResource):
    """Writes and reads the files of assets, each with its lineage inside."""

    base: str = Field(description="Folder, or URL such as s3://bucket/prefix, that holds the files.")
    duckdb: SharedDuckDB

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Refuse a run whose instance keeps the history of another store, before the first step."""
        if context.instance is None:
            return
        try:
            require_own(context.instance, self.base)
        except StoreError as error:
            raise RunRefusedError(str(error)) from error

    def target(self, name: str, suffix: str) -> UPath:
        """The place of the file of asset ``name``."""
        return place(self.base) / f"{name}{suffix}"

    def write(self, name: str, value: Any, lineage: Lineage, describe: Describe | None = None) -> dict[str, Any]:
        """Store ``value`` atomically; what was there before is replaced whole or not at all.

        Returns ``path``, and what :func:`describe_file` reads, and ``describe`` finds, in the written file.

        Raises StoreError: no space or no permission; DataError: an input was replaced meanwhile.
        """
        form = format_of(next((known for known in FORMATS if isinstance(value, known)), type(value)))
        target = self.target(name, form.suffix)
        with atomic_file(target, self.duckdb.scratch_folder) as temporary:
            form.write(value, temporary, lineage)
            description = describe_file(temporary, self.duckdb.connect(), describe)
            self._require_unreplaced(name, lineage)
        return {"path": dg.MetadataValue.path(str(target)), **description}

    def read(self, name: str, value_type: Any) -> Any:
        """The value of asset ``name``; a table comes as a lazy relation.

        Raises StoreError: it was never materialized here, or its file is damaged or may not be read.
        """
        form = format_of(value_type)
        with self._opened(name, self.target(name, form.suffix)) as path:
            form.read_lineage(path)  # in a file of another format the rest may mean something else
            return form.read(path, self.duckdb.connect())

    def lineage(self, name: str) -> Lineage:
        """The lineage of the stored file of asset ``name``, whatever its format; raises as :meth:`read`."""
        form, target = self._find(name)
        with self._opened(name, target) as path:
            return form.read_lineage(path)

    def _require_unreplaced(self, name: str, lineage: Lineage) -> None:
        """A lazy relation over a file that another run replaced would store its new rows under the old lineage."""
        for key, version in lineage.inputs.items():
            found = self.lineage(key).data_version
            if found != version:
                raise DataError(
                    f"{name} was not stored: another run replaced {key} ({version}, now {found}) while it was being "
                    "made. Run one job at a time on a store, and materialize it again."
                )

    @property
    def promoted_models(self) -> PromotedModels:
        """The versions of the promoted model in this store."""
        return PromotedModels(self.base, self.duckdb.scratch_folder)

    def _find(self, name: str) -> tuple[Format, UPath]:
        # Formats with the same suffix keep their lineage in the same place.
        for form in FORMATS.values():
            target = self.target(name, form.suffix)
            if target.exists():
                return form, target
        raise StoreError(f"{name} is not in the store {self.base}. Materialize it first.")

    @contextmanager
    def _opened(self, name: str, target: UPath) -> Iterator[Path]:
        """A local path with the content of ``target``, whose bytes are checked; errors name ``target``."""
        with naming(target, GO_BACK if target.name == POINTER else f"Materialize {name} again."):
            if not target.exists():
                raise StoreError(f"{target} does not exist. Materialize {name} first.")
            path = local_path(target) if is_local(target) else self._download(target)
            verify(path)
            yield path

    def _download(self, target: UPath) -> Path:
        # DuckDB, numpy and gensim all want a file they can map; httpfs would be downloaded at run time.
        # A folder per version: a lazy relation goes on reading the object that it was made of.
        copy = self.duckdb.scratch_folder / "downloads" / target.fs.ukey(target.path) / target.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            download(target, copy)
        return copy
