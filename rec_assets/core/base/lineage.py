"""Where a stored file comes from; written into the file itself, so that the two can never part."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rec_assets import __version__
from rec_assets.core.base.errors import DataError, UnreadableError

FULL = 100.0
# The name under which a stored file carries its lineage.
LINEAGE_KEY = "rec_assets.lineage"
# Raised when files of the store change so that an older version of the package cannot read them, or they it.
FORMAT = 6


@dataclass(frozen=True)
class Lineage:
    """What a value was made from.

    Attributes:
        data_version: a digest of the asset's name, code version, settings and input versions.
        sample_percent: share of the playlists behind the value; below 100 it is a dev run's.
        ancestors: every asset upstream to its ``data_version`` and ``settings``.
        inputs: the assets that it was made from directly, to their ``data_version``.
    """

    data_version: str
    sample_percent: float
    settings: Mapping[str, Any]
    ancestors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_dev(self) -> bool:
        """Whether the value rests on a sample."""
        return self.sample_percent < FULL

    def as_document(self) -> dict[str, Any]:
        """As a stored file has it: with the version of the package that wrote it, and the format of the file."""
        return {**asdict(self), "format": FORMAT, "rec_assets": __version__}

    def to_json(self) -> str:
        """The document as text, the same for the same lineage."""
        return json.dumps(self.as_document(), sort_keys=True)

    @classmethod
    def from_document(cls, document: Any) -> "Lineage":
        """The inverse of :meth:`as_document`.

        Raises:
            UnreadableError: it is of another format, or no lineage.
        """
        try:
            own = dict(document)
            found, version = own.pop("format", 1), own.pop("rec_assets", None)
            if found != FORMAT:
                writer = f"rec_assets {version}" if version else "an older version of rec_assets"
                raise UnreadableError(
                    f"is of format {found} ({writer}); this version of rec_assets reads format {FORMAT}"
                )
            return cls(**own)
        except (TypeError, ValueError) as error:
            raise UnreadableError(f"has no lineage that this version of rec_assets knows ({error!r})") from error

    @classmethod
    def from_json(cls, text: str) -> "Lineage":
        """The inverse of :meth:`to_json`; raises as :meth:`from_document` does."""
        try:
            return cls.from_document(json.loads(text))
        except ValueError as error:
            raise UnreadableError(f"has no lineage that can be read ({error})") from error


def derive_lineage(
    name: str,
    *,
    code_version: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Lineage],
    content: str = "",
    sample_percent: float = FULL,
    step: str | None = None,
    apart: Collection[str] = (),
) -> Lineage:
    """The lineage of asset ``name``.

    The data version changes with the settings, the code version, any input version, or the ``content``
    digest of what was read from outside; a sample anywhere upstream stays visible in it. The asset itself keeps
    ``sample_percent`` of the playlists.

    A ``step`` made the asset together with others. It is an ancestor of each of them: validation playlists of one split
    may be training playlists of another. The inputs ``apart`` need not be made from what the others were made from,
    such as a promoted model, which has its own catalog.

    Raises:
        DataError: two inputs were made from different versions of the same asset.
    """
    direct = {key: inputs[key].data_version for key in sorted(inputs)}
    inputs = {key: replace(lineage, ancestors={}) if key in apart else lineage for key, lineage in inputs.items()}
    if step:
        of_step = derive_lineage(step, code_version=code_version, settings=settings, inputs=inputs, content=content)
        inputs = {**inputs, step: of_step}
    versions = [inputs[key].data_version for key in sorted(inputs)]
    ingredients = json.dumps([name, code_version, dict(settings), versions, content], sort_keys=True)
    digest = hashlib.sha256(ingredients.encode()).hexdigest()[:16]
    percent = min([sample_percent, *(lineage.sample_percent for lineage in inputs.values())])
    mark = f"dev{percent:.12g}-" if percent < FULL else ""
    return Lineage(f"{mark}{digest}", percent, dict(settings), _ancestors(name, inputs), direct)


def _ancestors(name: str, inputs: Mapping[str, Lineage]) -> dict[str, Mapping[str, Any]]:
    """Everything upstream of ``inputs``, and they themselves, each in one version only.

    Track indexes belong to one catalog: a model of last week's would silently misread this week's playlists.
    """
    found: dict[str, Mapping[str, Any]] = {}
    source: dict[str, str] = {}
    for key, lineage in sorted(inputs.items()):
        itself = {key: {"data_version": lineage.data_version, "settings": dict(lineage.settings)}}
        for ancestor, facts in {**lineage.ancestors, **itself}.items():
            known = found.setdefault(ancestor, facts)
            if known["data_version"] != facts["data_version"]:
                raise DataError(
                    f"{name}: its inputs do not belong together: {_rests_on(source[ancestor], ancestor, known)}, "
                    f"{_rests_on(key, ancestor, facts)}. Materialize again everything between {ancestor} and {name}."
                )
            source.setdefault(ancestor, key)
    return dict(sorted(found.items()))


def _rests_on(key: str, ancestor: str, facts: Mapping[str, Any]) -> str:
    version = facts["data_version"]
    return f"{key} is {version}" if key == ancestor else f"{key} was made from {ancestor} {version}"
