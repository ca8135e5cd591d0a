"""Split playlists into train, validation and test parts: exact in size, seeded, blind to row order."""

from decimal import Decimal
from enum import Enum
from fractions import Fraction

from pydantic import model_validator

from rec_assets.core.base.errors import DataError, SettingsError
from rec_assets.core.base.relations import Relation, count_rows, fetch_row, playlist_draw_sql, query, sql_text
from rec_assets.core.base.settings import setting
from rec_assets.core.playlists.repeats import RepeatSettings
from rec_assets.core.playlists.times import require_times

# DuckDB's hash of a list alone is the same with more zeros in front, and 0 is the most frequent track.
_TRACKS = "'', track_indexes"
_MISPLACED = ("in_several_parts", "in_no_part", "in_a_part_only")


class Split(Enum):
    """By what playlists come into their part."""

    random = "random"
    time = "time"


class SplitSettings(RepeatSettings):
    """How playlists are split."""

    split: Split = setting(
        Split.random,
        "How playlists are split: `random`, or by `time`: the oldest are for training, the next for validation, the "
        "newest for the test, as models are used. The newest row of a playlist says how old it is, even where its "
        "other rows reach into another part; `order` names the column of times.",
    )
    train_share: float = setting(
        0.7,
        "Share of the playlists for training. train_share, validation_share and test_share add up to 1.",
        gt=0,
        lt=1,
    )
    validation_share: float = setting(
        0.2,
        "Share of the playlists for choosing settings (validation). train_share, validation_share and test_share "
        "add up to 1.",
        gt=0,
        lt=1,
    )
    test_share: float = setting(
        0.1,
        "Share of the playlists for the final measurement (test). train_share, validation_share and test_share add "
        "up to 1.",
        gt=0,
        lt=1,
    )
    split_seed: int = setting(42, "Seed of the split of the playlists into training, validation and test.")

    @model_validator(mode="after")
    def _shares_add_to_one(self) -> "SplitSettings":
        try:
            exact_shares(self.shares())
        except SettingsError as error:
            raise ValueError(f"Settings {error}") from error
        return self

    def shares(self) -> dict[str, float]:
        """Share by split name."""
        return {"train": self.train_share, "validation": self.validation_share, "test": self.test_share}


def exact_shares(shares: dict[str, float]) -> dict[str, Fraction]:
    """``shares`` as the decimals that were typed: 0.7 is 7/10, not the binary number nearest to it.

    Raises SettingsError: a share is not above 0, or they do not add to 1.
    """
    exact = {name: Fraction(Decimal(str(share))) for name, share in shares.items()}
    if min(exact.values()) <= 0 or sum(exact.values()) != 1:
        typed = ", ".join(f"{name}_share={share}" for name, share in shares.items())
        raise SettingsError(
            f"{typed}: they add to {float(sum(exact.values())):g}; expected shares above 0 that add to 1."
        )
    return exact


def split_bounds(total: int, shares: dict[str, float]) -> dict[str, tuple[int, int]]:
    """First and one-past-last position of each part: cumulative shares of ``total``, rounded down, but no part empty.

    Raises DataError: there are fewer playlists than parts.
    """
    if total < len(shares):
        raise DataError(
            f"{total} playlists cannot be split into {' and '.join(shares)}, of at least one playlist each. Bring more "
            "playlists, or raise sample_percent or lower min_tracks of playlist_sequences."
        )
    bounds: dict[str, tuple[int, int]] = {}
    start, cumulative = 0, Fraction(0)
    for later, (name, share) in zip(reversed(range(len(shares))), exact_shares(shares).items(), strict=True):
        cumulative += share
        end = min(max(int(cumulative * total), start + 1), total - later)
        bounds[name] = (start, end)
        start = end
    return bounds


def count_misplaced(whole: Relation, parts: Relation) -> dict[str, int]:
    """How many playlists break the rule that each of ``whole`` is in ``parts`` (stacked) exactly once.

    Returns ``in_several_parts``, ``in_no_part``, ``in_a_part_only`` (and not in ``whole``).
    """
    # 128 bits in place of lists. Two users that are NULL are the same one.
    identity = f"hash(user_id, playlist, track_indexes) AS key, hash({_TRACKS}, playlist, user_id) AS other_key"
    whole, parts = whole.select(identity), parts.select(identity)
    # Sums need no memory; groups of a hundred million rows need all there is.
    own, placed = (fetch_row(rows.aggregate("count(*), sum(key), sum(other_key)")) for rows in (whole, parts))
    if own == placed:
        return dict.fromkeys(_MISPLACED, 0)
    stacked = whole.select("*, 1 AS own, 0 AS placed").union(parts.select("*, 0, 1"))
    counted = stacked.aggregate("sum(own) AS own, sum(placed) AS placed", "key, other_key")
    counts = fetch_row(
        counted.aggregate(
            "count(*) FILTER (placed > own AND own > 0), count(*) FILTER (placed < own), count(*) FILTER (own = 0)"
        )
    )
    return dict(zip(_MISPLACED, counts, strict=True))


def split_sequences(
    sequences: Relation, *, shares: dict[str, float], seed: int, split: Split = Split.random
) -> dict[str, Relation]:
    """Cut ``sequences`` (``user_id, playlist, track_indexes, length``) by the rank of a seeded hash of user and name.

    No two have the same user and name. ``shares`` by part name add to 1; another ``seed`` gives another, independent
    split. Split by time, they are cut by the rank of ``ended_at DOUBLE``, and by the hash among equals.
    Returns a lazy relation with the same columns by part name, in the (random, seeded) order of the hash.

    Raises DataError: there are fewer playlists than parts, or they are to be split by time and have none.
    """
    drawn = f"{playlist_draw_sql(seed=seed)}, user_id, playlist"
    rank = drawn
    if split is Split.time:
        require_times(sequences)
        rank = f"ended_at, {drawn}"
    bounds = split_bounds(count_rows(sequences), shares)
    inner = _ranks_at(sequences, rank, [first for first, _ in bounds.values()][1:])
    parts = {}
    for name, least, end in zip(bounds, [None, *inner], [*inner, None], strict=True):
        part = sequences.filter(f"row({rank}) >= {least}") if least else sequences
        part = part.filter(f"row({rank}) < {end}") if end else part
        parts[name] = part.order(drawn)
    return parts


def _ranks_at(sequences: Relation, rank: str, places: list[int]) -> list[str]:
    """The values of ``rank`` (SQL), as an SQL row, of those of ``sequences`` that stand at ``places`` in its order."""
    # Ranked without their tracks: a window over lists holds them in memory.
    placed = query(
        sequences, "s", f"SELECT row({rank}) AS own, row_number() OVER (ORDER BY {rank}) - 1 AS place FROM s"
    )
    found = placed.filter(f"place IN ({', '.join(map(str, places))})").order("place").select("own").fetchall()
    return [f"row({', '.join(map(_literal, own))})" for (own,) in found]


def _literal(value: float | str | None) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return sql_text(value)
        case int():
            return f"{value}::UBIGINT"
        case _:
            return f"'{value!r}'::DOUBLE"


def copied_share(train_sequences: Relation, held_out: Relation) -> float:
    """Share (0..1) of the ``held_out`` playlists whose tracks are, in the same order, those of a training playlist.

    A few are so by chance, mostly those of three tracks; many mean that the source has playlists twice.
    """
    known = train_sequences.select(f"hash({_TRACKS}) AS tracks").distinct().set_alias("known")
    own = held_out.select(f"hash({_TRACKS}) AS tracks").set_alias("own")
    joined = own.join(known, "own.tracks = known.tracks", how="left")
    total, copied = fetch_row(joined.aggregate("count(*), count(known.tracks)"))
    return copied / total
