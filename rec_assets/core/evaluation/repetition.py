"""Whether nothing but repeats is found: then the data repeat themselves, and what finds them is no model."""

from dataclasses import dataclass

from rec_assets.core.base.relations import Relation

# Sessions of a web shop, which have more repeats than all other honest sets tried, have 0.81 and 0.42. Of fewer
# playlists it may be chance.
_FOUND, _NEW, _PLAYLISTS = 0.95, 0.05, 20


@dataclass(frozen=True)
class Repetition:
    """What is found with repeats, and what without.

    Attributes:
        strategy: the one with the highest hit rate.
        found: its hit rate.
        new: highest hit rate of those that never recommend a track of the playlist; 1 where none is fitted.
        playlists: that were asked for.
    """

    strategy: str
    found: float
    new: float
    playlists: int

    @classmethod
    def of(cls, leaderboard: Relation) -> "Repetition":
        """From ``strategy, hit_rate, repeats, playlists``, a row for each strategy."""
        rows = leaderboard.select("strategy", "hit_rate", "repeats", "playlists").to_arrow_table().to_pylist()
        best = max(rows, key=lambda row: row["hit_rate"])
        new = max((row["hit_rate"] for row in rows if not row["repeats"]), default=1.0)
        return cls(best["strategy"], best["hit_rate"], new, best["playlists"])

    def in_words(self) -> str:
        """What speaks for data that repeat themselves, and what to do; empty if nothing does."""
        if self.found < _FOUND or self.new > _NEW or self.playlists < _PLAYLISTS:
            return ""
        return (
            f"{self.strategy} finds {self.found:.1%} of the held-out tracks, and what never recommends a track of the "
            f"playlist finds {self.new:.1%} at most: nearly every playlist ends with a track that it held before, as "
            "where the source has its files or its rows twice. Remove the second copy"
        )
