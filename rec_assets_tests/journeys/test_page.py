"""The endpoint's page in a real browser; without this it could lose a list, run a name as HTML, or hide a promotion."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import array

from rec_assets.core.names.text_column import TextColumn
from rec_assets.core.names.track_names import TrackNames
from rec_assets.store.promoted_models import POINTER, PromotedModels
from rec_assets_tests.core.promoted.small_promoted import add_version, fitted, named
from rec_assets_tests.serving.serving_process import served, until

playwright = pytest.importorskip("playwright.sync_api", reason="needs the `browser` extra (playwright)")

CHROMIUM = shutil.which("chromium")
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
HTML = '<img src=x onerror="document.title=1">'
PATIENCE = 30_000  # ms

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
]

Page = Any  # playwright's; the package may be missing


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        playwright.expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def page(request, browser) -> Iterator[Page]:
    page = browser.new_page(viewport=request.param)
    page.set_default_timeout(PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.errors = errors
    yield page
    page.close()


def names_with_html() -> TrackNames:
    names = named()
    artists = names.artists.to_arrow().to_pylist()
    return replace(names, artists=TextColumn.from_arrow(array([HTML if one == "Artist 3" else one for one in artists])))


def models_in(folder: Path) -> PromotedModels:
    """Version 1, which is current, and version 2, in which one artist is named like a piece of HTML."""
    models = PromotedModels(str(folder))
    add_version(models, 1, fitted(strategy="item_knn"), hit_rate=0.25)
    add_version(models, 2, fitted(strategy="ranker"), names_with_html(), hit_rate=0.75, dev_run=True)
    models.point_to(1, by="test")
    return models


def type_and_choose(page: Page, text: str, name: str) -> None:
    """Types and chooses by keyboard alone."""
    field = page.get_by_role("combobox", name="Add a track")
    field.press_sequentially(text)
    playwright.expect(page.get_by_role("option").first).to_contain_text(name)
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == "option-0"
    field.press("Enter")


def rows(page: Page, region: str) -> Any:
    return page.get_by_role("region", name=region).get_by_role("listitem")


def assert_nothing_is_cut(page: Page) -> None:
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in [node.bounding_box() for node in page.locator("button:visible, input, li:visible").all()]:
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width


@pytest.mark.parametrize("page", [LAPTOP, PHONE], ids=["laptop", "phone"], indirect=True)
def test_a_list_is_built_by_keyboard_and_a_promotion_meanwhile_is_seen(page, tmp_path) -> None:
    models = models_in(tmp_path / "store")
    with served(Path(models.base)) as client:
        page.goto(f"{client.base_url}/")
        playwright.expect(page.get_by_text("Version 1 · hit rate@7 25.0 %")).to_be_visible()
        for text, name in (("trakc 12", "Track 12"), ("17 artist", "Track 17"), ("Tra 9", "Track 9")):
            type_and_choose(page, text, name)
        mine, found = rows(page, "Your list"), rows(page, "Recommended")
        playwright.expect(mine).to_have_count(3)
        playwright.expect(found).to_have_count(10)
        playwright.expect(page.get_by_text("By version 1, best first")).to_be_visible()
        playwright.expect(found.first).to_contain_text(re.compile(r"with Track \d+: \d+ playlists?, similarity"))

        page.get_by_role("button", name="Move Artist 2 – Track 9 up").press("Enter")
        playwright.expect(mine.nth(1)).to_contain_text("Track 9")
        playwright.expect(page.get_by_role("button", name="Move Artist 2 – Track 9 up")).to_be_focused()
        with page.expect_response("**/recommend") as answered:  # else the list may be drawn anew below the next key
            page.get_by_role("button", name="Remove Artist 2 – Track 9").press("Enter")
        answered.value.finished()
        playwright.expect(mine).to_have_count(2)
        found.first.get_by_role("button").press("Enter")
        playwright.expect(mine).to_have_count(3)
        assert_nothing_is_cut(page)

        models.point_to(2, by="test")
        playwright.expect(page.get_by_text("Version 2 · hit rate@7 75.0 %")).to_be_visible()
        playwright.expect(page.get_by_text("Made by a dev run")).to_be_visible()
        playwright.expect(mine.first).to_contain_text("not known to this version")
        page.get_by_role("button", name="Remove Artist 3 – Track 12").click()
        playwright.expect(page.get_by_text("By version 2, best first")).to_be_visible()

        page.reload()
        playwright.expect(mine).to_have_count(2)
        playwright.expect(found).to_have_count(10)
        page.get_by_role("button", name="Empty").press("Enter")
        playwright.expect(mine).to_have_count(0)
        assert page.url.endswith("/")
    assert [error for error in page.errors if "404" not in error] == []


@pytest.mark.parametrize("page", [PHONE], ids=["phone"], indirect=True)
def test_a_title_alone_is_answered_and_no_artist_comes_too_often_after_a_reload_too(page, tmp_path) -> None:
    with served(Path(models_in(tmp_path / "store").base)) as client:
        page.goto(f"{client.base_url}/")
        page.get_by_role("textbox", name="Playlist's title").fill("zzq")
        found = rows(page, "Recommended")
        note = page.get_by_text("No word of the title is known. These are the most frequent tracks.")
        playwright.expect(note).to_be_visible()
        playwright.expect(found).to_have_count(10)
        artists = found.locator("div > small")
        assert len(set(artists.all_inner_texts())) < 10
        page.get_by_role("spinbutton", name="Most of one artist").fill("1")
        for _ in range(2):
            until(lambda: len(artists.all_inner_texts()) == len(set(artists.all_inner_texts())) == 10)
            page.reload()
            playwright.expect(note).to_be_visible()
        type_and_choose(page, "trakc 12", "Track 12")
        playwright.expect(page.get_by_text("The tracks alone are answered.")).to_be_visible()
        assert_nothing_is_cut(page)
        page.get_by_role("spinbutton").fill("")
        page.get_by_role("textbox", name="Playlist's title").fill("")
        playwright.expect(page.get_by_text("By version 1, best first. Below each")).to_be_visible()
        assert page.url.endswith("#" + "%5B%5B%22Artist%203%22%2C%22Track%2012%22%5D%5D")
    assert page.errors == []


@pytest.mark.parametrize("page", [PHONE], ids=["phone"], indirect=True)
def test_names_are_text_and_what_is_wrong_is_said(page, tmp_path) -> None:
    models = models_in(tmp_path / "store")
    models.point_to(2, by="test")
    pointer = Path(models.base) / POINTER
    hidden = pointer.rename(pointer.with_name("hidden"))
    with served(Path(models.base)) as client:
        page.goto(f"{client.base_url}/")
        playwright.expect(page.get_by_role("alert")).to_contain_text("Run training_job (make run) first.")
        hidden.rename(pointer)
        playwright.expect(page.get_by_text("Version 2 ·")).to_be_visible()
        page.get_by_role("combobox").press_sequentially("img onerror track 12")
        option = page.get_by_role("option").first
        playwright.expect(option).to_contain_text(HTML)
        option.click()
        playwright.expect(rows(page, "Your list").first).to_contain_text(HTML)
        playwright.expect(rows(page, "Recommended")).to_have_count(10)
        page.get_by_role("combobox").press_sequentially("☃☃")
        playwright.expect(page.get_by_text("No track is spelt like this.")).to_be_visible()
        assert page.locator("img").count() == 0
    playwright.expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    assert page.title() == "rec_assets: what fits next"
