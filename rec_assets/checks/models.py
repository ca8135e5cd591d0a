"""Checks of the models."""

import dagster as dg

from rec_assets.core.embeddings import TrackEmbeddings


def build_finite_check(name: str) -> dg.AssetChecksDefinition:
    """The vectors of model ``name`` are numbers."""

    @dg.asset_check(
        asset=name,
        name="vectors_are_finite",
        description="Every vector is made of finite numbers.",
        blocking=True,
    )
    def vectors_are_finite(embeddings: TrackEmbeddings) -> dg.AssetCheckResult:
        broken = embeddings.count_broken()
        return dg.AssetCheckResult(
            passed=not any(broken.values()) and len(embeddings) > 0,
            metadata={
                "tracks": len(embeddings),
                **{f"broken_{side}": count for side, count in broken.items()},
            },
        )

    return vectors_are_finite
