"""Rules at answer time; without this an excluded artist could come back, or a list be cut short or in another order."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted import model as model_module
from rec_assets.core.promoted.batch import RecommendationsSettings, recommend_to_all
from rec_assets.core.promoted.comparing import compare
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.named_rules import NamedRules, unknown_artist_sentence
from rec_assets.core.promoted.recommendations import Request, recommend_after, recommend_after_each
from rec_assets.core.promoted.rules import NO_RULES, Rules
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets_tests.core.promoted.small_promoted import ARTISTS, built, fitted
from rec_assets_tests.core.ranker.planted_rankers import TRACKS, walks
from rec_assets_tests.core.strategies.slow_strategies import sequences_of

HISTORIES = [*walks(8, seed=4), [1, 2, 5], [6, 1], []]
SPELLINGS = {"": range(4), "abba": range(4, 12)}


def names() -> TrackNames:
    """Four tracks an artist: the first has no name, the next two are one in two spellings, with the same titles."""
    written = ["", "ABBA", "Abba!", *(f"Artist {number}" for number in range(3, TRACKS // 4))]
    titles = [f"Track {track - 4 if 8 <= track < 12 else track}" for track in range(TRACKS)]
    artists = np.where(ARTISTS == 0, -1, ARTISTS)
    return TrackNames.build(pa.array(written), artists, pa.array(titles), np.ones(TRACKS, np.int64))


def artist_of(track: int) -> int:
    return 1 if track in SPELLINGS["abba"] else int(ARTISTS[track])


def spelling_of(track: int) -> int:
    return track - 4 if 8 <= track < 12 else track


def filtered(ranked: list[int], history: list[int], rules: Rules, repeats: bool, model: PromotedModel) -> list[int]:
    """The whole ranking, without what may not be: slow, and plain."""

    def groups(of: frozenset[int] | None) -> set[int]:
        return {artist_of(int(model.names.of_group(group)[0])) for group in of or ()}

    def spelt(of: frozenset[int] | None) -> set[int]:
        return {spelling_of(track) for track in of or ()}

    kept, times = [], Counter()
    for track in ranked:
        artist, spelling = artist_of(track), spelling_of(track)
        if artist in groups(rules.exclude_artists) or spelling in spelt(rules.exclude_tracks):
            continue
        is_all = rules.only_tracks is None and rules.only_artists is None
        if not (is_all or artist in groups(rules.only_artists) or spelling in spelt(rules.only_tracks)):
            continue
        is_repeat = repeats and track in history
        if spelling in spelt(frozenset(kept)) or (spelling in spelt(frozenset(history)) and not is_repeat):
            continue
        if artist != 0 and rules.per_artist is not None and times[artist] >= rules.per_artist:
            continue
        times[artist] += 1
        kept.append(track)
    return kept


def everything(model: PromotedModel, asked: FlatSequences) -> list[list[int]]:
    """All tracks after each history, best first."""
    ((_, found),) = model.recommender.answers(asked, depth=TRACKS)
    return [model.recommender.tracks.track_index[own[own != NO_TRACK]].tolist() for own in found.rows]


def ruled(model: PromotedModel, asked: FlatSequences, k: int, rules: Rules) -> list[list[int]]:
    ((_, found),) = model.answers(asked, k=k, rules=rules)
    return [model.recommender.tracks.track_index[own[own != NO_TRACK]].tolist() for own in found.rows]


def rules_of(model: PromotedModel) -> list[Rules]:
    abba, last = (model.names.find_artist(name).group or 0 for name in ("abba", f"Artist {TRACKS // 4 - 1}"))
    nameless = frozenset([model.names.find_artist("unknown artist").group or 0])
    return [
        Rules(per_artist=1),
        Rules(per_artist=2, exclude_artists=frozenset([abba]), exclude_tracks=frozenset([20, 21])),
        Rules(only_artists=frozenset([last, abba]), exclude_tracks=frozenset([9])),
        Rules(per_artist=3, only_tracks=frozenset([8, 30, 31, 2]), only_artists=frozenset([last])),
        Rules(only_artists=nameless, per_artist=1),
        Rules(exclude_artists=nameless),
        Rules(only_tracks=frozenset(), only_artists=frozenset()),
    ]


@pytest.mark.parametrize(
    "settings", [{}, {"repeats": "left_out"}, {"strategy": "playlist_knn"}, {"strategy": "track_vectors"}], ids=str
)
@pytest.mark.parametrize("k", [1, 5, TRACKS])
def test_what_stays_is_the_whole_ranking_without_what_the_rules_leave_out(settings: dict, k: int) -> None:
    model = built(fitted(**settings), names())
    asked = model.recommender.tracks.rows(sequences_of(HISTORIES))
    ranked, repeats = everything(model, asked), model.recommender.chosen.repeats

    for rules in [NO_RULES, *rules_of(model)]:
        expected = [
            filtered(own, history, rules, repeats, model)[:k] for own, history in zip(ranked, HISTORIES, strict=True)
        ]
        assert ruled(model, asked, k, rules) == expected, rules


def test_far_down_the_ranking_the_most_frequent_of_the_allowed_tracks_follow(monkeypatch) -> None:
    model = built(fitted(strategy="track_vectors"), names())
    history, k = [1, 2, 5], 6
    asked = model.recommender.tracks.rows(sequences_of([history]))
    (ranked,) = everything(model, asked)
    rules = Rules(only_tracks=frozenset([*ranked[:3], *ranked[-12:]]))
    monkeypatch.setattr(model_module, "_DEEPEST", 5)
    monkeypatch.setattr(model_module, "_DEEPER", 1)

    ((_, found),) = model.answers(asked, k=k, rules=rules)

    frequent = [track for track in model.recommender.tracks.track_index.tolist() if track not in ranked[:3]]
    expected = filtered([*ranked[:3], *frequent], history, rules, repeats=False, model=model)[:k]
    assert len(expected) == k
    assert model.recommender.tracks.track_index[found.rows[0]].tolist() == expected
    known = np.isfinite(found.scores[0])
    assert known[: known.sum()].all()
    assert 0 < known.sum() < k


def test_questions_of_other_rules_are_answered_together_as_alone() -> None:
    model = built(names=names())
    every = [NO_RULES, *rules_of(model)]
    requests = [
        Request([track, track + 1], k, reasons=True, rules=every[(track + k) % len(every)])
        for track in (1, 12, 17)
        for k in (2, 9)
    ]
    requests += [Request([], 4, title="summer"), *requests[:2]]

    together = recommend_after_each(model, requests)

    assert together == [recommend_after_each(model, [request])[0] for request in requests]
    assert recommend_after_each(model, [Request([1, 2], 5)])[0] == recommend_after(model, [1, 2], k=5)
    assert [one.because for one in together[6]] == [[]] * 4


def test_names_stand_for_all_that_are_spelt_like_them_and_for_nobody_else() -> None:
    model = built(names=names())
    asked = NamedRules(
        2, [("ABBA", "track 5"), ("Abba", "Trakc 6")], ["Artist 99", "a b b a"], [], ["Artist 3", "Abbba"]
    )

    found = asked.find(model.names.find, model.names.find_artist)

    assert [one.asked for one in found.unknown_tracks] == [("Abba", "Trakc 6")]
    assert found.unknown_tracks[0].near[0].title == "Track 6"
    assert [one.asked for one in found.unknown_artists] == ["Artist 99", "Abbba"]
    assert unknown_artist_sentence(found.unknown_artists[1]).startswith("no artist Abbba. Did you mean\n    A")
    allowed = found.rules.allowed(model.names, np.arange(TRACKS))
    assert np.flatnonzero(allowed).tolist() == [12, 13, 14, 15]
    only = NamedRules(exclude=[("ABBA", "track 5")]).find(model.names.find, model.names.find_artist).rules
    assert np.flatnonzero(~only.allowed(model.names, np.arange(TRACKS))).tolist() == [5, 9]
    nobody = NamedRules(only_artists=["☃"]).find(model.names.find, model.names.find_artist)
    assert nobody.allow_nothing
    assert unknown_artist_sentence(nobody.unknown_artists[0]) == "no artist ☃. Nobody's name is spelt like it."


def test_the_batch_obeys_its_settings_and_refuses_to_recommend_nothing() -> None:
    model = built(names=names())
    settings = RecommendationsSettings(
        recommended_per_artist=1, recommended_exclude_artists=["ABBA", "Who"], recommended_only_artists=[]
    )
    found = settings.rules(model.names)
    asked = model.recommender.tracks.rows(sequences_of(HISTORIES))
    playlists = pa.table({"user_id": ["u"] * len(HISTORIES), "playlist": list("abcdefghijk")})

    table = recommend_to_all(model, asked, playlists, depth=5, rules=found.rules).read_all().to_pylist()

    times = Counter((row["playlist"], row["artist"]) for row in table if row["artist"] is not None)
    assert set(times.values()) == {1}
    assert len(table) == 5 * len(HISTORIES)
    assert not {row["artist"] for row in table} & {"ABBA", "Abba!"}
    assert [one.asked for one in found.unknown_artists] == ["Who"]
    assert RecommendationsSettings().rules(model.names).rules == NO_RULES
    with pytest.raises(DataError, match=r"none of `recommended_only_artists`: no artist Artist 99\. Did you mean"):
        RecommendationsSettings(recommended_only_artists=["Artist 99"]).rules(model.names)


def test_what_is_measured_passes_no_rules(monkeypatch) -> None:
    """The gate asks the promoted model as the hit rates ask the candidate: the recommender, which has no rules."""
    model = built(names=names())
    monkeypatch.setattr(PromotedModel, "answers", lambda *_, **__: pytest.fail("a hit rate of ruled answers"))
    held_out = sequences_of(walks(30, seed=9))
    held_out.ids[:] += np.uint64(1_000_000)

    found = compare(model, np.arange(TRACKS, dtype=np.int32), held_out, np.zeros(30), k=7, most=30, known_share=1)

    assert found.promoted.any()
