"""What a JSON document of the store must hold for its readers, said once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rec_assets.core.base.errors import UnreadableError

_LONGEST_VALUE = 60


def _require_moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its zone")
    return text


Moment = Annotated[str, AfterValidator(_require_moment)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Version = Annotated[int, Field(ge=1, lt=10**9)]


class Shape(BaseModel):
    """Fields that a document must have, of these types and within these bounds; it may have more."""

    model_config = ConfigDict(strict=True)

    @classmethod
    def require(cls, document: Mapping[str, Any]) -> None:
        """Raises UnreadableError: ``document`` lacks a field, or one cannot be."""
        try:
            cls.model_validate(document)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            found = "" if fault["type"] == "missing" else f" is {str(fault['input'])[:_LONGEST_VALUE]!r}"
            name = ".".join(map(str, fault["loc"])) or "document"
            raise UnreadableError(f"does not hold what it should: `{name}`{found}: {fault['msg']}") from error
