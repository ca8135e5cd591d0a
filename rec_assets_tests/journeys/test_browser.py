"""What a newcomer sees in the UI: a real `dagster dev` on the shipped sample, and a real browser.

``REC_ASSETS_SCREENSHOTS`` names a folder in which to keep the pictures.
"""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rec_assets.definitions import defs
from rec_assets_tests.journeys.dagster_processes import (
    answers,
    dagster_command,
    graphql,
    own_environment,
    running,
    wait_for,
)

playwright = pytest.importorskip("playwright.sync_api", reason="needs the `browser` extra (playwright)")

CHROMIUM = shutil.which("chromium")
# Read here, because no test sees a REC_ASSETS_ variable of the shell.
SCREENSHOTS = os.environ.get("REC_ASSETS_SCREENSHOTS")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGE_PATIENCE = 30_000  # ms
WINDOW = {"width": 1600, "height": 1200}
LAPTOP = {"width": 1366, "height": 768}
# Wide enough that the whole graph shows its assets as cards with kinds, not as boxes with names only.
WIDE_WINDOW = {"width": 4400, "height": 6600}

SPECS = {spec.key.path[-1]: spec for spec in defs.resolve_all_asset_specs()}
GROUPS = {"ingestion", "preparation", "training", "evaluation", "promotion", "tuning"}
# Trials are partitions: no button of the whole graph makes them.
TRAINED = {name for name, spec in SPECS.items() if spec.group_name != "tuning"}
CHECKED = [key.asset_key for key in defs.resolve_asset_graph().asset_check_keys if key.asset_key.path[-1] in TRAINED]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
]

Page = Any  # playwright's; the package may be missing


@dataclass(frozen=True)
class UI:
    """The web server and a page in the browser."""

    url: str
    page: Page
    folder: Path
    log: Path
    foreign_requests: list[str]

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def shoot(self, name: str) -> None:
        """Keep a picture of what is on the page now, when nothing moves any more."""
        self.page.wait_for_load_state("networkidle")
        picture = self.folder / f"{name}.png"
        self.page.screenshot(path=picture, animations="disabled")
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, SCREENSHOTS)

    def ask(self, query: str, **variables: Any) -> Any:
        return graphql(self.url, query, **variables)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=WINDOW)
        page.set_default_timeout(PAGE_PATIENCE)
        playwright.expect.set_options(timeout=PAGE_PATIENCE)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def ui(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UI]:
    folder = tmp_path_factory.mktemp("browser")
    log = folder / "dagster_dev.log"
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    foreign: list[str] = []
    page.on("request", lambda request: None if _is_ours(request.url, url) else foreign.append(request.url))
    command = dagster_command("dagster", "dev", "--host", "127.0.0.1", "--port", str(port))
    with running(command, own_environment(folder), log):
        wait_for("web server", lambda: answers(url), log)
        yield UI(url, page, folder, log, foreign)


@pytest.fixture(scope="module")
def run_id(ui: UI) -> str:
    """The successful run of a click on "Materialize all" of training_job."""
    page = ui.open("/locations/rec_assets/jobs/training_job")
    page.get_by_role("button", name="Materialize all").click()
    query = """{runsOrError {... on Runs {results {
        runId status eventConnection {events {... on MessageEvent {message level}}}
    }}}}"""

    def finished_run() -> dict[str, Any] | None:
        runs = ui.ask(query)["runsOrError"]["results"]
        return runs[0] if runs and runs[0]["status"] in ("SUCCESS", "FAILURE", "CANCELED") else None

    run = wait_for("finished run", finished_run, ui.log)
    assert run["status"] == "SUCCESS", run["eventConnection"]["events"][-5:]
    return run["runId"]


def test_the_code_location_loads_without_a_warning(ui: UI) -> None:
    page = ui.open("/deployment/locations")

    playwright.expect(page.get_by_role("link", name=re.compile("^rec_assets"))).to_be_visible()
    playwright.expect(page.get_by_text("Loaded", exact=True)).to_be_visible()
    ui.shoot("1_code_location")
    # `dagster dev` says of itself that `dg dev`, which is another package, succeeds it.
    warnings = [line for line in ui.log.read_text().splitlines() if re.search("warn|error", line, re.IGNORECASE)]
    assert [line for line in warnings if "`dev_command` is superseded" not in line] == []


def test_the_graph_shows_groups_kinds_and_descriptions(ui: UI) -> None:
    page = ui.page
    page.set_viewport_size(WIDE_WINDOW)
    ui.open("/asset-groups/")
    _expand_all_groups(page)

    for name in GROUPS | set(SPECS):
        playwright.expect(page.get_by_text(name, exact=True).last).to_be_visible()
    for kind in ("DuckDB", "Parquet", "gensim", "safetensors", "lightgbm", "json", "html"):
        playwright.expect(page.get_by_text(kind, exact=True).first).to_be_visible()
    ui.shoot("2_graph")
    page.get_by_text("track_embeddings", exact=True).last.click()
    playwright.expect(page.get_by_text("Word2Vec input and output vectors")).to_be_visible()
    ui.shoot("3_graph_with_an_asset")
    page.set_viewport_size(WINDOW)


def test_the_catalog_describes_every_asset(ui: UI) -> None:
    ui.page.set_viewport_size(WIDE_WINDOW)  # the list holds only what is in sight
    page = ui.open("/assets")

    for spec in SPECS.values():
        assert spec.description
        playwright.expect(page.get_by_text(spec.description).first).to_be_visible()
    ui.shoot("4_catalog")
    page.set_viewport_size(WINDOW)


def test_materialize_all_succeeds(ui: UI, run_id: str) -> None:
    page = ui.open(f"/runs/{run_id}")

    playwright.expect(page.get_by_text("Success", exact=True)).to_be_visible()
    playwright.expect(page.get_by_text(f"{len(TRAINED)} assets")).to_be_visible()
    playwright.expect(page.get_by_text(f"{len(CHECKED)} checks")).to_be_visible()
    ui.shoot("5_run")
    page.set_viewport_size(WIDE_WINDOW)
    ui.open("/asset-groups/")
    _expand_all_groups(page)
    playwright.expect(page.get_by_text("Materialized", exact=True)).to_have_count(len(TRAINED))
    playwright.expect(page.get_by_text(re.compile(r"^(\d+) / \1 Passed$"))).to_have_count(len(set(CHECKED)))
    ui.shoot("6_graph_materialized")
    page.set_viewport_size(WINDOW)


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_hit_rate_page_shows_figures_and_the_curve(ui: UI, part: str) -> None:
    page = ui.open(f"/assets/{part}_hit_rate")

    for key in ("hit_rate", "popularity_hit_rate", "cold_query_share", "cold_target_share"):
        playwright.expect(_metadata_value(page, key)).to_have_text(re.compile(r"^0\.\d{1,6}$"))
    playwright.expect(_metadata_value(page, "settings")).to_contain_text('"k": 100')
    ui.shoot(f"7_{part}_hit_rate")
    _metadata_value(page, "hit_rate_curve").get_by_text("[Show Markdown]").click()
    picture = page.get_by_role("img", name=re.compile(f"^Hit rate of ranker on [0-9,]+ {part} playlists$"))
    playwright.expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 672
    ui.shoot(f"8_{part}_hit_rate_curve")


@pytest.mark.usefixtures("run_id")
def test_a_table_page_shows_columns_counts_and_its_first_rows(ui: UI) -> None:
    page = ui.open("/assets/raw_playlists")

    for text in ("Who made the playlist.", "Row count", "69,983", "reject_share", "rejects_path", "made_sample"):
        playwright.expect(page.get_by_text(text, exact=True)).to_be_visible()
    ui.shoot("9_raw_playlists")
    _metadata_value(page, "preview").get_by_text("[Show Markdown]").click()
    rows = page.get_by_role("dialog").get_by_role("row")
    playwright.expect(rows).to_have_count(1 + 10)
    playwright.expect(rows.first).to_contain_text("user_id")
    ui.shoot("10_raw_playlists_preview")


@pytest.mark.usefixtures("run_id")
def test_the_model_page_shows_settings_and_neighbours(ui: UI) -> None:
    page = ui.open("/assets/track_embeddings")

    playwright.expect(_metadata_value(page, "vocabulary")).to_have_text(re.compile(r"^\d+$"))
    playwright.expect(_metadata_value(page, "settings")).to_contain_text('"vector_size": 48')
    neighbours = _metadata_value(page, "example").get_by_role("listitem")
    playwright.expect(neighbours).to_have_text([re.compile(r" – .* \(0\.\d{3}\)$")] * 5)
    ui.shoot("11_track_embeddings")


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize(
    ("asset", "check", "evidence"),
    [
        ("validation_hit_rate", "is_above_popularity", "popularity_hit_rate"),
        ("validation_hit_rate", "is_a_share", re.compile(r"^0\.\d+ at 1, .* at 100$")),
        ("train_sequences", "splits_are_disjoint_and_complete", "in_several_parts"),
        ("raw_playlists", "has_rows_of_its_schema", re.compile("^row_id BIGINT, user_id VARCHAR")),
        ("track_embeddings", "vectors_are_finite", "broken_output_vectors"),
        ("base_sequences", "ranker_playlists_are_kept_aside", "in_several_parts"),
        ("test_hit_rate", "agrees_with_validation", "validation_minus_test"),
        ("model_leaderboard", "no_strategy_is_better", "better"),
        ("model_leaderboard", "similar_histories_get_similar_answers", "stability"),
        ("validation_slices", "no_slice_collapsed", "compared_with"),
    ],
)
def test_a_check_page_shows_result_and_evidence(ui: UI, asset: str, check: str, evidence: Any) -> None:
    page = ui.open(f"/assets/{asset}?view=checks&checkDetail={check}")

    playwright.expect(page.get_by_text("Passed", exact=True)).to_be_visible()
    playwright.expect(page.get_by_text(evidence).first).to_be_visible()
    playwright.expect(page.get_by_role("button", name="Execute all")).to_be_enabled()
    ui.shoot(f"12_{check}")


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize(
    ("asset", "entry", "name"),
    [
        ("model_leaderboard", "hit_rate_curves", r"^Hit rate by strategy, [0-9,]+ validation playlists$"),
        ("validation_slices", "hit_rate_by_slice", r"^Hit rate@100 by slice, [0-9,]+ validation playlists$"),
        ("track_embeddings", "map", r"^The [0-9,]+ most frequent tracks"),
    ],
)
def test_a_picture_opens_whole_in_the_window_of_a_laptop(ui: UI, asset: str, entry: str, name: str) -> None:
    ui.page.set_viewport_size(LAPTOP)
    page = ui.open(f"/assets/{asset}")

    _metadata_value(page, entry).get_by_text("[Show Markdown]").click()
    picture = page.get_by_role("img", name=re.compile(name))
    playwright.expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 600
    box = picture.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= LAPTOP["width"]
    ui.shoot(f"13_{entry}")
    page.set_viewport_size(WINDOW)


@pytest.mark.usefixtures("run_id")
def test_the_leaderboard_shows_every_strategy_with_its_figures(ui: UI) -> None:
    page = ui.open("/assets/model_leaderboard")

    _metadata_value(page, "leaderboard").get_by_text("[Show Markdown]").click()
    rows = page.get_by_role("dialog").get_by_role("row")
    playwright.expect(rows).to_have_count(1 + 8)
    playwright.expect(rows.nth(1)).to_contain_text(re.compile(r"0\.\d+"))
    ui.shoot("14_leaderboard")


@pytest.mark.usefixtures("run_id")
def test_the_report_opens_without_a_network(ui: UI) -> None:
    browser = ui.page.context.browser
    offline = browser.new_context(viewport=LAPTOP, offline=True)
    page = offline.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((ui.folder / "store" / "recommendation_report.html").as_uri())

    playwright.expect(page.get_by_role("heading", level=1)).to_be_visible()
    playwright.expect(page.get_by_role("img")).to_have_count(3)
    for picture in page.get_by_role("img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth") > 600
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture = ui.folder / "15_report.png"
    page.screenshot(path=picture, full_page=True)
    if SCREENSHOTS:
        shutil.copy(picture, SCREENSHOTS)
    offline.close()


@pytest.mark.usefixtures("run_id")
def test_nothing_is_asked_of_any_other_machine(ui: UI) -> None:
    assert ui.foreign_requests == []


def _expand_all_groups(page: Page) -> None:
    """Click through the menu of the graph's background."""
    playwright.expect(page.get_by_text("preparation", exact=True).last).to_be_visible()
    page.mouse.click(WIDE_WINDOW["width"] / 2, WIDE_WINDOW["height"] - 100, button="right")
    item = page.get_by_role("menuitem", name=re.compile("(Expand|Collapse) all groups"))
    # The UI remembers what an earlier visit expanded.
    item.click() if "Expand" in item.inner_text() else page.keyboard.press("Escape")


def _metadata_value(page: Page, key: str) -> Any:
    """The third cell of the row of ``key``: key, time, value."""
    rows = page.get_by_role("row").filter(has=page.get_by_role("cell", name=key, exact=True))
    return rows.get_by_role("cell").nth(2)


def _is_ours(requested: str, url: str) -> bool:
    return requested.startswith((url, url.replace("http", "ws", 1), "data:", "blob:"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
