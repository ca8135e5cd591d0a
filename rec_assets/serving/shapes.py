"""What the command line needs of the JSON documents that it reads."""

from typing import Annotated

from pydantic import Field

from rec_assets.core.base.shape import Count, Shape, Share, Version


class HitRate(Shape):
    """Of ``validation_hit_rate`` and ``test_hit_rate``."""

    strategy: str
    k: Version
    hit_rate: Share
    popularity_hit_rate: Share
    playlists: Count
    sample_percent: Annotated[float, Field(gt=0, le=100)]
    dev_run: bool


class PromotionDecision(Shape):
    """Of ``promotion_decision``."""

    promote: bool
    reasons: list[str]
