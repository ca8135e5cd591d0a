"""Objects on S3: a request has a timeout and a bound on its tries, a file goes up whole, a download is of one version.

s3fs alone holds up to ten parts of 50 MB in memory, does not go on where a large download broke, puts parts of two
versions together if an object is replaced meanwhile, and repeats what botocore has repeated already.
"""

import asyncio
import errno
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from fsspec import AbstractFileSystem
from s3fs import S3FileSystem
from s3fs.errors import EREMOTEIO
from upath.implementations.cloud import S3Path
from upath.registry import register_implementation

from rec_assets.core.base.errors import StoreError

BOUNDED = "rec_assets_bounded"
# S3 takes no more in one put. Above it there are parts, which a killed process leaves in the bucket.
LARGEST_PUT = 5 << 30
_PART, _PARTS_AT_ONCE = 64 << 20, 2
_BLOCK = 1 << 16
_TRIES = 5  # botocore's own default
# By what the server says: overloaded, or broken inside.
_PASSING = (errno.EBUSY, EREMOTEIO)
_BROKEN = (aiohttp.ClientError, BotoCoreError, asyncio.TimeoutError)


class UnreachableError(StoreError, ConnectionError):
    """The endpoint gave no answer, or none that was whole; it may pass."""


class S3Files(S3FileSystem):
    """Objects by their path. Raises UnreachableError: see there; StoreError: no credentials."""

    retries = 1  # botocore has its own: with both, an endpoint that hangs is waited for for minutes

    async def _call_s3(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._call_s3(method, *args, **kwargs)
        except (NoConnectionError, HTTPClientError) as error:
            raise self._unreachable(kwargs, error) from error
        except (BotoCoreError, ValueError) as error:
            raise StoreError(
                f"s3://{kwargs.get('Bucket')}: {error}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
                "environment, and mend or unset its other AWS_ variables."
            ) from error
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            raise self._unreachable(kwargs, error) from error

    def _tries(self) -> int:
        return (self._config.retries or {}).get("total_max_attempts", _TRIES)

    @property
    def _config(self) -> Any:
        client: Any = self._s3
        return client.meta.config

    def _unreachable(self, asked: Mapping[str, Any], error: Exception | None) -> UnreachableError:
        waits, name = self._config, asked.get("Key", asked.get("Prefix", ""))
        return UnreachableError(
            f"s3://{asked.get('Bucket')}/{name} cannot be reached: {error or repr(error)}. Tried "
            f"{self._tries()} times (AWS_MAX_ATTEMPTS), with {waits.connect_timeout:g} s to connect and "
            f"{waits.read_timeout:g} s without a byte. Check AWS_ENDPOINT_URL and the network, and try again."
        )

    async def _put_file(self, lpath: str, rpath: str, *args: Any, **kwargs: Any) -> None:
        """In one put, which is seen when it is complete, and streamed from the disk; on a condition, if asked."""
        conditions = {name: kwargs.pop(name) for name in ("IfMatch", "IfNoneMatch") if name in kwargs}
        if Path(lpath).stat().st_size > LARGEST_PUT:
            if "IfMatch" in conditions:
                raise ValueError(f"{rpath}: an object of several parts cannot be put over one version alone")
            bounds = {"chunksize": _PART, "max_concurrency": _PARTS_AT_ONCE}
            mode = "create" if "IfNoneMatch" in conditions else "overwrite"
            return await super()._put_file(lpath, rpath, *args, **{**kwargs, **bounds, "mode": mode})
        bucket, key, _ = self.split_path(rpath)
        kind = mimetypes.guess_type(rpath)[0] or "application/octet-stream"
        with Path(lpath).open("rb") as body:
            await self._call_s3("put_object", Bucket=bucket, Key=key, Body=body, ContentType=kind, **conditions)
        return None

    async def _get_file(self, rpath: str, lpath: str, *args: Any, **kwargs: Any) -> None:
        """Streamed to the disk. Where it breaks, it goes on; where the object was replaced, it begins again."""
        bucket, key, _ = self.split_path(rpath)
        asked, rest, failure = {"Bucket": bucket, "Key": key}, {}, None
        with Path(lpath).open("wb") as file:
            for _ in range(self._tries()):
                try:
                    answer = await self._call_s3("get_object", **asked, **rest)
                    rest = {"IfMatch": answer["ETag"]}
                    async with answer["Body"] as body:
                        async for block in body.iter_chunks(_BLOCK):
                            file.write(block)
                    return
                except _BROKEN as error:
                    failure, rest = error, {**rest, "Range": f"bytes={file.tell()}-"}
                except OSError as error:
                    if error.errno != errno.EINVAL or not rest:
                        raise
                    failure, rest = error, {}
                    file.seek(0)
                    file.truncate()
        raise self._unreachable(asked, failure) from failure


class S3Place(S3Path):
    """A path; of :class:`S3Files` if it was made with the option BOUNDED, since this class is for all of a process."""

    @classmethod
    def _fs_factory(cls, urlpath: str, protocol: str, storage_options: Mapping[str, Any]) -> AbstractFileSystem:
        options = dict(storage_options)
        if not options.pop(BOUNDED, False):
            return super()._fs_factory(urlpath, protocol, storage_options)
        # Another process may write meanwhile: no listing is remembered.
        return S3Files(use_listings_cache=False, **options)


for _protocol in ("s3", "s3a"):
    register_implementation(_protocol, S3Place, clobber=True)
