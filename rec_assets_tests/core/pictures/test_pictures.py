"""Without these, a picture could be cut off, unreadable, refuse a name, or swell the event log."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from rec_assets.core import pictures
from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.pictures.drawing import as_markdown, drawable, to_png
from rec_assets.core.pictures.hit_rates import (
    hit_rate_at_each_k,
    plot_promotion_history,
    plot_slice_rates,
    plot_strategy_curves,
)
from rec_assets.core.pictures.parallel_coordinates import Coordinate, plot_parallel_coordinates
from rec_assets.core.pictures.track_map import in_words
from rec_assets.core.pictures.track_map import plot_track_map as plot_map

PNG = b"\x89PNG\r\n\x1a\n"
MOST_BYTES = 50_000
STRANGE = ["宇多田ヒカル", "🎵 😀", "فيروز", "A$AP Rocky & $uicideboy$", "$\\frac{1", "_hidden\nlines\x00", "Ж" * 200]
AXES = ("first component, 12 % of the variance", "second component, 7 % of the variance")


def ranks_of(rate: float, k: int, n: int = 3_000) -> np.ndarray:
    draw = np.random.default_rng(round(rate * 1_000))
    return np.where(draw.random(n) < rate, draw.integers(1, k + 1, n), 0)


def drawn_figure(monkeypatch, draw) -> Figure:
    """The figure that ``draw`` makes into a PNG."""
    figures: list[Figure] = []
    for module in ("hit_rates", "track_map", "parallel_coordinates"):
        monkeypatch.setattr(f"{pictures.__name__}.{module}.to_png", lambda figure: figures.append(figure) or b"")
    draw()
    return figures[0]


def drawn_texts(monkeypatch, draw) -> list[str]:
    return [text.get_text() for text in drawn_figure(monkeypatch, draw).findobj(Text)]


def test_hit_rate_at_each_k_is_the_share_of_ranks_up_to_it():
    assert hit_rate_at_each_k(np.array([1, 3, 0, 9]), 4).tolist() == [0.25, 0.25, 0.5, 0.5]


@pytest.mark.parametrize("k", [1, 100, 1_000])
def test_ten_strategies_fit_into_a_small_picture(k):
    ranks = {f"strategy_number_{rate}": ranks_of(rate / 20, k) for rate in range(10)}
    picture = plot_strategy_curves(ranks, k=k, title="validation", chosen="strategy_number_3")
    assert picture.startswith(PNG)
    assert len(picture) < MOST_BYTES
    assert picture == plot_strategy_curves(ranks, k=k, title="validation", chosen="strategy_number_3")


def test_strategies_are_named_with_their_figure_best_first(monkeypatch):
    ranks = {"low": np.array([0, 0, 0, 2]), "high": np.array([1, 1, 0, 50]), "middle": np.array([7, 8, 0, 0])}
    draw = lambda: plot_strategy_curves(ranks, k=10, title="t", chosen="middle")  # noqa: E731
    texts = drawn_texts(monkeypatch, draw)
    assert [text for text in texts if text[:2] == "0." and " " in text] == [
        "0.500  high",
        "0.500  middle",
        "0.250  low",
    ]
    assert "hit rate@10" in texts


def slices(names=("target popularity", "playlist length", "query", "artist")) -> list[SliceRate]:
    return [
        SliceRate(name, value, 10 ** (place + 1), 0.2 * place, 0.19 * place, min(1.0, 0.25 * place))
        for name in names
        for place, value in enumerate(("cold", "1–2", "3–9", "10–99", "100+"))
    ]


def test_slices_fit_into_a_small_picture():
    picture = plot_slice_rates(slices(), k=100, title="slices", overall=0.41)
    assert picture.startswith(PNG)
    assert len(picture) < MOST_BYTES


def test_slices_stand_below_the_name_of_their_kind(monkeypatch):
    rates = [
        SliceRate("query", "cold", 1, 0.0, 0.0, 0.0),
        SliceRate("query", "warm", 6_512, 0.48, 0.47, 0.49),
        SliceRate("artist", "new", 20, 1.0, 1.0, 1.0),
    ]
    texts = drawn_texts(monkeypatch, lambda: plot_slice_rates(rates, k=100, title="t", overall=0.4))
    rows = ["query", "cold (1 playlist)", "warm (6,512 playlists)", "artist", "new (20 playlists)"]
    assert [text for text in dict.fromkeys(texts) if text in rows] == rows
    assert "0.480 (0.470 to 0.490)" in texts
    assert "all playlists 0.400" in texts


@pytest.mark.parametrize("grouped", [0.2, 1.0])
def test_a_map_of_two_thousand_tracks_is_a_small_picture(grouped):
    draw = np.random.default_rng(1)
    groups = np.where(draw.random(2_000) < grouped, draw.integers(0, 7, 2_000), -1)
    points = draw.normal(size=(2_000, 2)).astype(np.float32)
    picture = plot_map(points, groups, STRANGE, axis_labels=AXES, title="tracks")
    assert picture.startswith(PNG)
    assert len(picture) < MOST_BYTES


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.zeros((9, 2)), np.eye(2)[[0, 1, 1]]])
def test_a_map_of_hardly_any_tracks_is_drawn(points):
    assert plot_map(points, np.full(len(points), len(points) % 2 - 1), ["a"], axis_labels=AXES, title="few").startswith(
        PNG
    )


def test_groups_of_a_map_are_numbered_and_counted(monkeypatch):
    points, groups = np.eye(4)[:, :2], np.array([0, 1, -1, 1])
    names = ["Nina $imone$", "_宇"]
    texts = drawn_texts(monkeypatch, lambda: plot_map(points, groups, names, axis_labels=AXES, title="t"))
    legend = [text.replace("\u200e", "") for text in texts if text.endswith(")")]
    assert legend == ["other artists (1)", "1 Nina $imone$ (1)", "2 _□ (2)"]
    assert {"1", "2", *AXES} <= set(texts)
    nobody = np.full(4, -1)
    texts = drawn_texts(monkeypatch, lambda: plot_map(points, nobody, [], axis_labels=AXES, title="t"))
    assert [text for text in texts if text.endswith(")")] == ["tracks (4)"]


def test_every_picture_takes_names_of_all_scripts_without_a_warning():
    ranks, title = np.array([1, 0, 3]), " ".join(STRANGE[-2::-1])
    assert plot_strategy_curves(dict.fromkeys(STRANGE, ranks), k=5, title=title, chosen=STRANGE[0])
    rates = [SliceRate(name, name, 3, 0.5, 0.4, 0.6) for name in STRANGE]
    assert plot_slice_rates(rates, k=5, title=title, overall=0.5)
    assert plot_map(np.eye(7)[:, :2], np.arange(7), STRANGE, axis_labels=AXES, title=title)
    axes = [Coordinate(name, STRANGE, STRANGE) for name in STRANGE]
    assert plot_parallel_coordinates(axes, np.linspace(0, 1, 7), k=5, title=title, best=0)


def coordinates(trials: int) -> list[Coordinate]:
    draw = np.random.default_rng(trials)
    return [
        Coordinate("window", draw.integers(1, 100, trials).tolist(), log=True),
        Coordinate("strategy", draw.choice(["ranker", "item_knn"], trials).tolist(), ["ranker", "item_knn", "unused"]),
        Coordinate("reproducible", [True] * trials, [True, False]),
        Coordinate("alpha", [0.5] * trials),
        *(Coordinate(f"setting_{place}", draw.random(trials).tolist()) for place in range(5)),
    ]


@pytest.mark.parametrize("trials", [1, 12, 200])
def test_trials_fit_into_a_small_picture(trials):
    rates = np.random.default_rng(0).random(trials)
    picture = plot_parallel_coordinates(coordinates(trials), rates, k=100, title="search", best=int(rates.argmax()))
    assert picture.startswith(PNG)
    assert len(picture) < MOST_BYTES


def test_trials_run_between_their_choices_and_numbers_and_the_best_stands_out(monkeypatch):
    axes = [
        Coordinate("min_count", [3, 10, 5], [3, 5, 10]),
        Coordinate("window", [1, 100, 10], log=True),
        Coordinate("ns_exponent", [-1.0, 0.0, 1.0]),
        Coordinate("alpha", [0.1, 0.1, 0.1]),
    ]
    figure = drawn_figure(
        monkeypatch, lambda: plot_parallel_coordinates(axes, np.array([0.2, 0.4, 0.3]), k=7, title="t", best=1)
    )
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 5]
    assert [line.get_ydata().round(3).tolist() for line in lines] == [
        [0, 0, 0, 0.5, 0],
        [0.5, 0.5, 1, 0.5, 0.5],
        [1, 1, 0.5, 0.5, 1],
    ]
    assert [line.get_linewidth() > 3 for line in lines] == [False, False, True]
    assert len({str(line.get_color()) for line in lines}) == 3
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert {"min_count", "window", "ns_exponent", "alpha", "hit rate@7", "3", "5", "10", "100", "0.4", "0.1"} <= set(
        texts
    )


def test_no_line_strikes_the_hit_rates_through(monkeypatch):
    draw = lambda: plot_parallel_coordinates(  # noqa: E731
        [Coordinate("window", [2, 5, 10])], np.array([0.1, 0.2, 0.3]), k=7, title="t", best=2
    )
    figure = drawn_figure(monkeypatch, draw)
    to_png(figure)
    ends = figure.axes[0].transData.transform((1, 0))[0]
    rates = [text for text in figure.findobj(Text) if text.get_text() in ("0.1", "0.15", "0.2", "0.25", "0.3")]
    assert len(rates) == 5
    assert all(text.get_window_extent().x0 > ends for text in rates)


@pytest.mark.parametrize("axes", [1, 5, 9])
def test_names_of_settings_have_room_in_the_window_of_a_laptop(monkeypatch, axes):
    names = ["window", "ns_exponent", "vector_size", "popularity_prior", "min_count", "ranker_learning_rate"]
    names += ["ranker_examples", "ranker_split_seed", "query_length"]
    coordinates = [Coordinate(name, [1, 2]) for name in names[:axes]]
    draw = lambda: plot_parallel_coordinates(coordinates, np.array([0.1, 0.2]), k=100, title="t", best=1)  # noqa: E731
    figure = drawn_figure(monkeypatch, draw)
    to_png(figure)
    assert figure.bbox.width <= 0.8 * 1366 - 40  # the share that the UI gives a picture, and its margins
    named = [text for text in figure.findobj(Text) if text.get_text() in {*names, "hit rate@100"}]
    boxes = [text.get_window_extent() for text in named]
    assert len(boxes) == axes + 1
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def candidates(*rows: int) -> list[dict[str, object]]:
    return [
        {
            "at": f"2026-{1 + place // 28:02d}-{1 + place % 28:02d}T05:00:00",
            "promote": place % 3 != 2,
            "hit_rate": 0.4 + 0.02 * (place % 4),
            "rows": count,
            "vocabulary": max(1, count // 20),
        }
        for place, count in enumerate(rows)
    ]


@pytest.mark.parametrize(
    "history",
    [
        candidates(1),
        candidates(70_000, 70_000, 7_000),
        candidates(*range(12_900_000, 12_900_011)),
        candidates(12_900_000, 10, 12_900_000),
        candidates(*range(5_000, 5_060)),
    ],
    ids=["one", "broken", "eleven", "from ten to millions", "more than are shown"],
)
def test_the_history_of_candidates_is_labelled_in_words_and_whole_numbers(monkeypatch, history):
    figure = drawn_figure(monkeypatch, lambda: plot_promotion_history(history))
    assert len(to_png(figure)) < MOST_BYTES
    assert [text.get_text() for text in figure.findobj(Text) if {"$", "\\"} & set(text.get_text())] == []
    for axis in (figure.axes[0].yaxis, figure.axes[1].yaxis, figure.axes[1].xaxis):
        low, high = axis.get_view_interval()
        places = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
        boxes = [label.get_window_extent() for place, label in places if low <= place <= high]
        assert boxes
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_a_dollar_is_drawn_as_a_dollar():
    def width(text: str) -> float:
        figure = Figure()
        drawn = figure.text(0, 0, text)
        to_png(figure)
        return drawn.get_window_extent().width

    assert width("a $b$ c") > width("a b c")


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("Björk – Jóga", 80, "Björk – Jóga"),
        ("Я $ \\", 80, "Я $ \\"),
        ("宇x", 80, "□x"),
        (" a\n\tb\x00\u202e\ud800 ", 80, "a b"),
        ("abcdef", 6, "abcdef"),
        ("abc defg", 5, "abc…"),
    ],
)
def test_drawable(text, longest, expected):
    assert drawable(text, longest) == expected


def test_full_names_stand_beside_their_numbers_each_in_its_direction():
    assert in_words(["Nina", "فيروز"]) == "1 \u2068Nina\u2069, 2 \u2068فيروز\u2069"


def test_markdown_holds_the_picture():
    assert as_markdown(b"\x89PNG", "a curve") == "![a curve](data:image/png;base64,iVBORw==)"


def test_no_text_is_cut_off(monkeypatch):
    name = "a name of many long words, longer than anyone would care to read"
    points, ranks = np.random.default_rng(2).normal(size=(90, 2)), np.array([1, 0, 3])
    for draw in (
        lambda: plot_map(points, np.arange(90) % 7, [name] * 7, axis_labels=AXES, title=name),
        lambda: plot_strategy_curves({name: ranks}, k=5, title=name, chosen=name),
        lambda: plot_slice_rates([SliceRate(name, name, 3_000, 0.5, 0.4, 0.6)], k=5, title=name, overall=0.5),
        lambda: plot_parallel_coordinates(
            [Coordinate(name, [name, "x"], [name, "x"])] * 5, np.array([0.5, 0.4]), k=1_000, title=name, best=0
        ),
    ):
        figure = drawn_figure(monkeypatch, draw)
        to_png(figure)
        for text in figure.findobj(Text):
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert figure.bbox.x0 <= box.x0, text
                assert box.x1 <= figure.bbox.x1, text
                assert figure.bbox.y0 <= box.y0, text
                assert box.y1 <= figure.bbox.y1, text
