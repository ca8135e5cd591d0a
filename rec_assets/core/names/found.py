"""What a search for a track answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NearTrack:
    """A track whose name is near what was asked.

    Attributes:
        track: its ``track_index``.
        artist: as it is written, None where it is unknown.
        title: as it is written, None where it is unknown.
        likeness: 0..100, of artist and title together; 100 = equal up to case, accents, punctuation and spaces.
    """

    track: int
    artist: str | None
    title: str | None
    likeness: float


@dataclass(frozen=True)
class Found:
    """The answer to one search.

    Attributes:
        asked: artist and title as they were asked.
        track: ``track_index`` of the track that is meant, None if none is sure enough.
        is_exact: it is equal up to case, accents, punctuation and spaces, so nobody need ask "did you mean".
        near: tracks that may be meant, best first, for "did you mean"; the first is ``track`` if there is one,
            and the only one if it is exact.
    """

    asked: tuple[str, str]
    track: int | None
    is_exact: bool
    near: list[NearTrack]
