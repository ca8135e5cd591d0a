"""Without these, a hostile name could run code in the report, or the page load from a network."""

import base64
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from rec_assets.core.report import (
    Column,
    Definitions,
    Estimate,
    Example,
    Examples,
    Note,
    Picture,
    ReportContent,
    Section,
    Table,
    build_report,
)
from rec_assets.core.report.texts import text_of

HOSTILE = (
    "<script>alert('x')</script><img src=https://evil.example/x onerror=alert(1)>\" onload=\"x {{ 7*7 }} {% raw %}"
)
VOID = {"meta", "link", "img", "br"}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


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


def table(name: str = "ranker", **arguments) -> Table:
    columns = [Column("strategy"), Column("hit rate@100", "share of playlists"), Column("note"), Column("tracks")]
    rows = [[name, Estimate(0.44931, 0.4, 0.5), "text", 1_234], ["popularity", 0.1, None, None]]
    return Table("All strategies.", columns, rows, **arguments)


def content(name: str = "Nina Simone – Sinnerman", banner: str | None = None) -> ReportContent:
    examples = [
        Example([name, "b"], name, ["c", name], 2),
        Example(["a"], "t", ["c"], 34),
        Example(["a"], "t", ["c"], 0),
    ]
    return ReportContent(
        title=f"Report of {name}",
        summary="Found 44.9 %.",
        banner=banner,
        sections=[
            Section("Held-out results", [table(name, highlighted=0), Note(name)]),
            Section("Strategies", [Picture(b"\x89PNG", f"curves of {name}", f"alt {name}")]),
            Section("Examples", [Examples(examples)]),
            Section("How it was measured", [Definitions("Settings", {"alpha": 0.025, name: name, "k": 1_000})]),
        ],
    )


def test_every_part_is_in_the_page():
    page = Page(build_report(content(banner="Dev run: 10 %")))
    assert page.open == []
    assert page.texts["h1"] == ["Report of Nina Simone – Sinnerman"]
    assert page.texts["h2"] == ["Held-out results", "Strategies", "Examples", "How it was measured"]
    assert page.texts["caption"] == ["All strategies."]
    assert page.texts["figcaption"] == ["curves of Nina Simone – Sinnerman"]
    assert [text.strip() for text in page.texts["dt"]] == ["alpha", "Nina Simone – Sinnerman", "k"]
    assert [text.strip() for text in page.texts["dd"]] == ["0.025", "Nina Simone – Sinnerman", "1,000"]
    body = page.texts["body"][0]
    assert "Dev run: 10 %" in body
    assert "Found 44.9 %." in body


def test_every_link_leads_to_a_section():
    page = Page(build_report(content()))
    targets = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    links = [attributes["href"] for attributes in page.all("a")]
    assert set(links) == targets
    assert len(links) == 4


def test_without_a_banner_there_is_none():
    assert 'class="banner"' in build_report(content(banner="Dev run"))
    assert 'class="banner"' not in build_report(content())


@pytest.mark.parametrize("name", ["Nina Simone", HOSTILE])
def test_nothing_is_loaded_and_nothing_runs(name):
    page = Page(build_report(content(name, banner=name)))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "base", "form", "audio", "video", "svg"}
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    sources = [value for _, attributes in page.elements for key, value in attributes.items() if key in ("src", "href")]
    assert all(source.startswith(("data:", "#")) for source in sources)
    style = page.texts["style"][0]
    assert not re.search(r"url\(|@import|expression", style)
    policies = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]


def test_hostile_names_are_shown_as_they_are():
    page = Page(build_report(content(HOSTILE, banner=HOSTILE)))
    assert page.texts["h1"] == [f"Report of {HOSTILE}"]
    assert page.texts["mark"] == [HOSTILE]
    assert page.all("img")[0]["alt"] == f"alt {HOSTILE}"
    assert page.texts["title"] == [f"Report of {HOSTILE}"]


def test_names_of_all_scripts_can_be_stored_as_utf_8():
    html = build_report(content("宇多田ヒカル فيروز 😀 \ud800"))
    assert "宇多田ヒカル فيروز 😀 ?" in html
    html.encode("utf-8")


def test_the_same_content_gives_the_same_page_with_the_policy_before_anything_else():
    html = build_report(content())
    assert html == build_report(content())
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert html.index("Content-Security-Policy") < html.index("<link")


def test_the_picture_is_inside_of_the_page():
    source = Page(build_report(content())).all("img")[0]["src"]
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == b"\x89PNG"


def test_columns_of_figures_are_aligned_to_the_right_and_the_chosen_row_says_so():
    html = build_report(content())
    page = Page(html)
    assert [head.get("class") for head in page.all("th") if head["scope"] == "col"] == [None, "number", None, "number"]
    assert [row.get("class") for row in page.all("tr")] == [None, "highlighted", None]
    assert "0.4493" in html
    assert "0.4000 to 0.5000" in html
    assert re.search(r"<bdi>popularity</bdi></th>", html)
    assert re.search(r"<bdi>Nina Simone – Sinnerman</bdi> <span class=\"badge\">chosen</span>", html)


def test_the_target_is_marked_where_it_was_recommended_and_its_fate_told_elsewhere():
    page = Page(build_report(content()))
    assert page.texts["mark"] == ["Nina Simone – Sinnerman"]
    body = page.texts["body"][0]
    assert body.count("The held-out track was found in place 34.") == 1
    assert body.count("The held-out track was not found.") == 1


def test_an_empty_report_is_a_page():
    assert Page(build_report(ReportContent("t", "s", None, []))).texts["h1"] == ["t"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (np.float32("nan"), "–"),
        (0.0, "0.0000"),
        (0.44931, "0.4493"),
        (-0.0138, "-0.0138"),
        (0.00001234, "1.2e-05"),
        (12.345, "12.35"),
        (1_234_567.8, "1,234,568"),
        (np.float32(0.5), "0.5000"),
        (np.float64(9.87654), "9.877"),
        (7_132, "7,132"),
        (np.int64(7_132), "7,132"),
        (True, "yes"),
        (math.inf, "inf"),
        ("as it is", "as it is"),
        (Estimate(0.5, 0.4, 0.6), "0.5000"),
    ],
)
def test_cells_are_written_for_people(cell, text):
    assert text_of(cell) == text


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="row 0 of table 'c' has 1 cells; expected 2, one for each of a, b"):
        Table("c", [Column("a"), Column("b")], [["x"]])


@pytest.mark.parametrize("row", [-1, 2])
def test_a_highlighted_row_that_is_not_there_is_refused(row):
    with pytest.raises(ValueError, match=f"highlighted={row}"):
        table(highlighted=row)
