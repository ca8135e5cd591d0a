"""Without these, a hostile name could run code in the report, or the page load from a network."""

import base64
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.report.assessment import Assessment, Origin, build_report
from rec_assets.core.report.page import setting_text, text_of

HOSTILE = (
    "<script>alert('x')</script><img src=https://evil.example/x onerror=alert(1)>\" onload=\"x {{ 7*7 }} {% raw %}"
)
VOID = {"meta", "link", "img", "br"}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
HEADINGS = ["What it is for", "How it was measured", "Strategies", "Where it fails", "Examples", "The model"]
HEADINGS += ["Settings and versions"]


class Page(HTMLParser):
    """The page as a reader meets it: its elements, and the text inside of each kind of element."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


def figures(name: str, *, dev_run: bool = False) -> dict:
    rates = {"hit_rates": {"100": 0.44931, "10": 0.2}, "intervals": {"100": (0.4, 0.5), "10": (0.1, 0.3)}}
    counts = {"k": 100, "playlists": 5_000, "cold_queries": 7, "dev_run": dev_run, "sample_percent": 12.5}
    shares = {"hit_rate": 0.44931, "interval": (0.4, 0.5), "mrr": 0.1, "ndcg": 0.2, "popularity_hit_rate": 0.1}
    return {"strategy": name, **rates, **counts, **shares}


def row(strategy: str, hit_rate: float) -> dict:
    rates = {"hit_rate": hit_rate, "hit_rate_low": 0.4, "hit_rate_high": 0.5, "hit_rate_at_10": math.nan}
    beside = dict.fromkeys(("mrr", "ndcg", "catalog_coverage", "greatest_share", "tail_share", "stability"), 0.25)
    beside["candidate_recall"] = 0.61728 if strategy != "popularity" else math.nan
    beside["median_popularity"] = 9
    return {
        "strategy": strategy,
        "is_chosen": hit_rate > 0.3,
        "playlists": 5_000,
        "median_popularity": 9,
        **rates,
    } | beside


def example(playlist: int, name: str, place: int | None) -> list[dict]:
    tracks = (("history", 1, name), ("target", place, name), ("recommended", 1, "other"), ("recommended", 2, name))
    return [
        {"playlist": playlist, "part": part, "place": at, "artist": "Nina Simone", "track": track}
        for part, at, track in tracks
    ]


def assessment(name: str = "Sinnerman", **replaced) -> Assessment:
    examples = [*example(0, name, 2), *example(1, name, 34), *example(2, name, None)]
    whole = Assessment(
        origin=Origin(f"{name}.csv", "2026-11-26 05:00 UTC", False, 70_000, 9_000, 4_000, 2_500),
        reports={"validation": figures(name), "test": figures(name)},
        leaderboard=[row(name, 0.44931), row("popularity", 0.1)],
        strategy_ranks={name: np.array([1, 0, 7]), "popularity": np.array([0, 0, 2])},
        slices=[SliceRate("query", name, 20, 0.5, 0.4, 0.6)],
        examples=examples,
        track_map=(b"\x89PNG", f"map of {name}"),
        settings={"a": {"k": 100, "alpha": 0.025, name: name}, "b": {"k": 100, "alpha": 0.05, "sg": True}},
        versions={"recommender": name},
    )
    return replace(whole, **replaced)


def report(name: str = "Sinnerman", **replaced) -> str:
    return build_report(assessment(name, **replaced)).html


def test_every_part_is_in_the_page():
    page = Page(report())
    assert page.open == []
    assert page.texts["h1"] == page.texts["title"] == ["Next-track recommendations"]
    assert page.texts["h2"] == HEADINGS
    assert [attributes["href"] for attributes in page.all("a")] == [f"#section-{place}" for place in range(1, 8)]
    assert [heading["id"] for heading in page.all("h2")] == [f"section-{place}" for place in range(1, 8)]
    assert page.texts["caption"][1] == "All strategies on the same 5,000 validation playlists"
    assert page.texts["figcaption"][-1] == "map of Sinnerman"
    assert all(image["alt"] for image in page.all("img"))
    assert "44.9% of 5,000 validation playlists (95 % interval 40.0% to 50.0%)" in page.texts["p"][0]
    names = ["alpha (a)", "alpha (b)", "k", "sg", "Sinnerman", "recommender"]
    assert sorted(page.texts["dt"][6:]) == sorted(names)
    settings = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert (settings["alpha (a)"], settings["sg"]) == ("0.025", "yes")


def test_it_begins_with_what_the_model_was_made_from():
    page = Page(report())
    assert dict(zip(page.texts["dt"][:6], page.texts["dd"], strict=False)) == {
        "Source": "Sinnerman.csv",
        "Read": "2026-11-26 05:00 UTC",
        "Rows": "70,000 rows of 9,000 tracks",
        "Playlists": "4,000 for training, 5,000 for validation and 5,000 for test",
        "Model": "Sinnerman, of 2,500 tracks with a vector",
        "Strategy": "Sinnerman, which recommends 100 tracks",
    }
    assert "Synthetic data" not in page.texts["body"][0]


def test_synthetic_data_are_called_so_before_any_figure():
    origin = replace(assessment().origin, is_synthetic=True)
    html = report(origin=origin)
    assert html.index(">Synthetic data: ") < html.index("<h1>")


def test_where_it_fails_begins_with_the_worst_and_leaves_out_what_says_nothing():
    known = ((0.3, 99, 0.4), (0.2, 20, 0.44), (0.0, 19, 0.1), (0.4, 99, 0.5))  # of all playlists: 0.449
    slices = [SliceRate("query", f"kind {rate}", count, rate, 0.1, high) for rate, count, high in known]
    table = report(slices=slices).partition("lowest hit rate, of those")[2].partition("</table>")[0]
    assert re.findall(r"kind ([0-9.]+)", table) == ["0.2", "0.3"]
    few = [SliceRate("query", f"kind {rate}", 4, rate, 0.0, 1.0) for rate in (1.0, 0.9, 0.8, 0.1)]
    table = report(slices=few).partition("with the lowest hit rate<")[2].partition("</table>")[0]
    assert re.findall(r"kind ([0-9.]+)", table)[0] == "0.1"


def test_where_the_home_has_no_record_of_the_source_the_page_says_that_it_may_be_synthetic():
    known = Origin("x.csv", "2026-11-26 05:00 UTC", False, 70_000, 9_000, 4_000, 2_500)
    banners = [report(origin=replace(known, is_synthetic=told)).count('role="note"') for told in (False, True, None)]
    assert banners == [0, 1, 1]
    assert "It is not known whether" in report(origin=replace(known, is_synthetic=None))


def test_a_dev_run_has_a_banner():
    banner = "Dev run on 12.5 % of the playlists"
    assert banner not in report()
    assert banner in report(reports={"validation": figures("x", dev_run=True), "test": figures("x")})


def test_hit_rates_among_ten_are_shown_only_where_more_are_recommended():
    small = {**figures("x"), "k": 8, "hit_rates": {"8": 0.4}, "intervals": {"8": (0.4, 0.5)}}

    for page, shown in ((report(), 2), (report(reports={"validation": small, "test": small}), 0)):
        assert sum("hit rate@10<" in line for line in page.replace("</th>", "\n").splitlines()) == shown
    assert page.count("hit rate@8<small>") == 3


def test_nothing_is_loaded_and_nothing_runs_whatever_the_names():
    page = Page(report(HOSTILE))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "base", "form", "audio", "video", "svg"}
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    sources = [value for _, attributes in page.elements for key, value in attributes.items() if key in ("src", "href")]
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"url\(|@import|expression", page.texts["style"][0])
    policies = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert page.texts["mark"] == [f"Nina Simone – {HOSTILE}"]
    assert page.all("img")[-1]["alt"] == f"map of {HOSTILE}"


def test_the_same_run_gives_the_same_page_with_the_policy_before_anything_else():
    html = report()
    assert html == report()
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert html.index("Content-Security-Policy") < html.index("<link")


def test_names_of_all_scripts_can_be_stored_as_utf_8():
    html = report(track_map=(b"", "宇多田ヒカル فيروز 😀 \ud800"))
    assert "宇多田ヒカル فيروز 😀 ?" in html
    html.encode("utf-8")


def test_the_picture_is_inside_of_the_page():
    source = Page(report()).all("img")[-1]["src"]
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == b"\x89PNG"


def test_columns_of_figures_are_aligned_to_the_right_and_the_chosen_row_says_so():
    html = report()
    page = Page(html)
    scopes = [head["scope"] for head in page.all("th")]
    assert (scopes.count("col"), scopes.count("row")) == (8 + 11 + 3, 3 + 2 + 1)
    aligned = [head.get("class") for head in page.all("th") if head["scope"] == "col"]
    assert aligned == [None, *["number"] * 7, None, *["number"] * 10, None, *["number"] * 2]
    assert [attributes.get("class") for attributes in page.all("tr")].count("highlighted") == 1
    assert '<bdi>0.449</bdi><small class="interval">0.400 to 0.500</small>' in html
    assert '<bdi>Sinnerman</bdi> <span class="badge">chosen</span>' in html
    assert "<bdi>popularity</bdi></th>" in html
    assert '<td class="number"><bdi>0.617</bdi></td>' in html  # candidate recall


def test_the_target_is_marked_where_it_was_recommended_and_said_to_be_elsewhere_or_nowhere():
    page = Page(report())
    assert page.texts["mark"] == ["Nina Simone – Sinnerman"]
    body = page.texts["body"][0]
    assert body.count("The held-out track was found in place 34.") == 1
    assert body.count("The held-out track was not found.") == 1


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (np.float32("nan"), "–"),
        (0.0, "0.000"),
        (0.44931, "0.449"),
        (-0.0138, "-0.014"),
        (0.00001234, "1.2e-05"),
        (12.345, "12.3"),
        (1_234_567.8, "1,234,568"),
        (np.float32(0.5), "0.500"),
        (np.float64(9.87654), "9.88"),
        (7_132, "7,132"),
        (np.int64(7_132), "7,132"),
        (True, "yes"),
        (math.inf, "inf"),
        ("as it is", "as it is"),
        ((0.5, 0.4, 0.6), "0.500"),
    ],
)
def test_cells_are_written_for_people(cell, text):
    assert text_of(cell) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.025, "0.025"), (70_000, "70,000"), (False, "no"), ("pca", "pca"), ([1], "[1]"), ({}, "{}")]
)
def test_settings_are_written_as_they_were_set(value, text):
    assert setting_text(value) == text
