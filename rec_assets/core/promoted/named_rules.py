"""Rules as people write them, by names, and what a model knows of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rec_assets.core.names.search import Found, FoundArtist
from rec_assets.core.promoted.rules import Rules


@dataclass(frozen=True)
class NamedRules:
    """:class:`Rules` by names: pairs of artist and track, and artists; "" = has no name."""

    per_artist: int | None = None
    exclude: Sequence[tuple[str, str]] = ()
    exclude_artists: Sequence[str] = ()
    only: Sequence[tuple[str, str]] = ()
    only_artists: Sequence[str] = ()

    def find(self, find_track: Callable[[str, str], Found], find_artist: Callable[[str], FoundArtist]) -> "FoundRules":
        """What is known of the names. None is taken for another: a rule must not hit whom nobody meant."""
        exclude, only = ([find_track(*pair) for pair in pairs] for pairs in (self.exclude, self.only))
        exclude_artists, only_artists = (
            list(map(find_artist, own)) for own in (self.exclude_artists, self.only_artists)
        )
        is_only = bool(only or only_artists)
        return FoundRules(
            Rules(
                self.per_artist,
                _tracks(exclude),
                _groups(exclude_artists),
                _tracks(only) if is_only else None,
                _groups(only_artists) if is_only else None,
            ),
            [one for one in [*exclude, *only] if not one.is_exact],
            [one for one in [*exclude_artists, *only_artists] if one.group is None],
        )


@dataclass(frozen=True)
class FoundRules:
    """The ``rules`` of the names that are known, and the searches for those that are not."""

    rules: Rules
    unknown_tracks: Sequence[Found]
    unknown_artists: Sequence[FoundArtist]

    @property
    def allow_nothing(self) -> bool:
        """Whether only some names are allowed, and none of them is known."""
        return self.rules.only_tracks == self.rules.only_artists == frozenset()


def unknown_artist_sentence(found: FoundArtist, name: Callable[[str], str] = str) -> str:
    """That nobody is called like the artist that was asked, and who nearly is, by ``name``."""
    near = "".join(f"\n    {name(one)}" for one in found.near)
    return f"no artist {name(found.asked)}." + (f" Did you mean{near}" if near else " Nobody's name is spelt like it.")


def _tracks(found: Sequence[Found]) -> frozenset[int]:
    return frozenset(one.track for one in found if one.is_exact and one.track is not None)


def _groups(found: Sequence[FoundArtist]) -> frozenset[int]:
    return frozenset(one.group for one in found if one.group is not None)
