"""Where assets lie: one file per asset, or per partition of it, in a folder or below a URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field
from upath import UPath

from rec_assets.core.errors import DataError, StoreError
from rec_assets.core.lineage import Lineage
from rec_assets.resources.atomic import atomic_file, download, is_local, local_path
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.formats import FORMATS, Format, format_of
from rec_assets.resources.written import Describe, describe_file


def stored_name(asset: str, partition: str | None = None) -> str:
    """What the store calls ``asset``, or a ``partition`` of it: that has a file in a folder of the asset."""
    return asset if partition is None else f"{asset}/{partition}"


class AssetStore(dg.ConfigurableResource):
    """Writes and reads the files of assets, each with its lineage inside."""

    base: str = Field(description="Folder, or URL such as s3://bucket/prefix, that holds the files.")
    duckdb: SharedDuckDB

    def target(self, name: str, suffix: str) -> UPath:
        """The place of the file of asset ``name``."""
        return UPath(self.base) / f"{name}{suffix}"

    def write(self, name: str, value: Any, lineage: Lineage, describe: Describe | None = None) -> dict[str, Any]:
        """Store ``value`` atomically; what was there before is replaced whole or not at all.

        Returns:
            ``path``, and what :func:`describe_file` reads, and ``describe`` finds, in the written file.

        Raises:
            StoreError: no space or no permission.
            DataError: an input was replaced meanwhile.
        """
        form = _format_of_value(value)
        target = self.target(name, form.suffix)
        with atomic_file(target, self.duckdb.scratch_folder) as temporary:
            form.write(value, temporary, lineage)
            description = describe_file(temporary, self.duckdb.connect(), describe)
            self._require_unreplaced(name, lineage)
        return {"path": dg.MetadataValue.path(str(target)), **description}

    def read(self, name: str, value_type: Any) -> Any:
        """The value of asset ``name``; a table comes as a lazy relation.

        Raises:
            StoreError: it was never materialized here, or its file is damaged or may not be read.
        """
        form = format_of(value_type)
        with self._opened(name, self.target(name, form.suffix)) as path:
            return form.read(path, self.duckdb.connect())

    def lineage(self, name: str) -> Lineage:
        """The lineage of the stored file of asset ``name``, whatever its format.

        Raises:
            StoreError: it was never materialized here, or its file is damaged or may not be read.
        """
        form, target = self._find(name)
        with self._opened(name, target) as path:
            return form.read_lineage(path)

    def _require_unreplaced(self, name: str, lineage: Lineage) -> None:
        """A lazy relation over a file that another run replaced reads the new file, under the old lineage."""
        for key, version in lineage.inputs.items():
            found = self.lineage(key).data_version
            if found != version:
                raise DataError(
                    f"{name} was not stored: another run replaced {key} ({version}, now {found}) while it was being "
                    "made. Run one job at a time on a store, and materialize it again."
                )

    def _find(self, name: str) -> tuple[Format, UPath]:
        for form in FORMATS.values():
            target = self.target(name, form.suffix)
            if target.exists():
                return form, target
        raise StoreError(f"{name} is not in the store {self.base}. Materialize it first.")

    @contextmanager
    def _opened(self, name: str, target: UPath) -> Iterator[Path]:
        """A local path with the content of ``target``; errors name ``target``, and the remedy."""
        path = local_path(target)
        try:
            if not target.exists():
                raise StoreError(f"{target} does not exist. Materialize {name} first.")
            path = path if is_local(target) else self._download(target)
            yield path
        except PermissionError as error:  # an object store gives it no number
            reason = error.strerror or error
            raise StoreError(f"{target} may not be read ({reason}). Mend its permissions.") from error
        except StoreError as error:
            raise StoreError(str(error).replace(str(path), str(target))) from error
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{target} was not written by this package ({error!r}). Materialize {name} again."
            ) from error

    def _download(self, target: UPath) -> Path:
        # DuckDB, numpy and gensim all want a file they can map; httpfs would be downloaded at run time.
        # A folder per version: a lazy relation goes on reading the object that it was made of.
        copy = self.duckdb.scratch_folder / "downloads" / target.fs.ukey(target.path) / target.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            download(target, copy)
        return copy


def _format_of_value(value: Any) -> Format:
    return format_of(next((known for known in FORMATS if isinstance(value, known)), type(value)))
