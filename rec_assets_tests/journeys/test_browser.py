"""What people see in the UI: a real `dagster dev` on the shipped sample, and a real browser.

``REC_ASSETS_SCREENSHOTS`` names a folder in which to keep the pictures.
"""

import gzip
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from rec_assets.definitions import defs
from rec_assets.paths import MADE_SAMPLE
from rec_assets_tests.journeys.dagster_processes import (
    answers,
    dagster_command,
    graphql,
    own_environment,
    run_to_end,
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
RUN_PATIENCE = 200  # s; a minute where nothing else is at work
WINDOW = {"width": 1600, "height": 1200}
LAPTOP = {"width": 1366, "height": 768}
# Wide enough that the whole graph shows its assets as cards with kinds, not as boxes with names only.
WIDE_WINDOW = {"width": 4400, "height": 6600}

SPECS = {spec.key.path[-1]: spec for spec in defs.resolve_all_asset_specs()}
GROUPS = {"ingestion", "preparation", "training", "evaluation", "promotion", "tuning"}
# Trials are partitions: no button of the whole graph makes them.
TRAINED = {name for name, spec in SPECS.items() if spec.group_name != "tuning"}
CHECKED = [key.asset_key for key in defs.resolve_asset_graph().asset_check_keys if key.asset_key.path[-1] in TRAINED]
TRAINING = "/locations/rec_assets/jobs/training_job"

# A tenth of the sample, and too little of everything: the gate has much to say.
BROKEN_LINES = 7_000
CHEAP = {"epochs": 2, "vector_size": 8, "min_count": 1, "k": 20, "ranker_trees": 10, "ranker_examples": 500}
REASON = "the data have 6,997 rows, 0.10 times the 69,983 of the promoted model; expected 0.8 to"
SEARCH = {
    "sampler": "tpe",
    "trials": 3,
    "parameters": {"window": {"low": 2, "high": 20, "log": True}, "scoring": ["cosine", "output"]},
    "fixed": {"strategy": "track_vectors", "k": 20, "epochs": 3, "vector_size": 8},
}
TRIALS = ["small-000", "small-001", "small-002"]

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
    environment: dict[str, str]
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

    def finished_run(self, job: str, number: int) -> dict[str, Any]:
        """Id, status and events of the run ``number`` of ``job``, 1 = the first, when it is over."""
        query = """query($job: String!) {runsOrError(filter: {pipelineName: $job}) {... on Runs {results {
            runId status eventConnection {events {... on MessageEvent {message level}}}
        }}}}"""

        def look() -> dict[str, Any] | None:
            runs = self.ask(query, job=job)["runsOrError"]["results"]
            is_over = len(runs) == number and runs[0]["status"] in ("SUCCESS", "FAILURE", "CANCELED")
            return runs[0] if is_over else None

        return wait_for("finished run", look, self.log, patience=RUN_PATIENCE)


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
    environment = own_environment(folder)
    with running(command, environment, log):
        wait_for("web server", lambda: answers(url), log)
        yield UI(url, page, folder, environment, log, foreign)


@pytest.fixture(scope="module")
def run_id(ui: UI) -> str:
    """The successful run of a click on "Materialize all" of the job, with the defaults."""
    ui.open(TRAINING).get_by_role("button", name="Materialize all").click()
    run = ui.finished_run("training_job", 1)
    assert run["status"] == "SUCCESS", run["eventConnection"]["events"][-5:]
    return run["runId"]


@pytest.fixture(scope="module")
def search(ui: UI, run_id: str) -> str:
    """The name of a search whose three trials ran beside the UI, over the data of the first run."""
    assert run_id
    path = ui.folder / "small.yaml"
    path.write_text(yaml.safe_dump(SEARCH))
    program = "from rec_assets.serving.main import main; main()"
    run_to_end([sys.executable, "-c", program, "tune", str(path), "--parallel", "3"], ui.environment)
    return path.stem


@pytest.fixture(scope="module")
def refused_run_id(ui: UI, run_id: str) -> str:
    """The run after that, with a config typed into the launchpad: on broken data, which the gate refuses."""
    assert run_id
    broken = ui.folder / "broken.csv"
    with gzip.open(MADE_SAMPLE) as sample:
        broken.write_bytes(b"".join(next(sample) for _ in range(BROKEN_LINES)))
    _launch_with_config(ui, {"source": str(broken), **CHEAP})
    run = ui.finished_run("training_job", 2)
    assert run["status"] == "FAILURE", run["eventConnection"]["events"][-5:]
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
    assert _loaded_width(page, f"^Hit rate of ranker on [0-9,]+ {part} playlists$") == 672
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
@pytest.mark.parametrize("asset", ["promoted_model", "playlist_recommendations"])
def test_what_was_just_promoted_is_shown_as_fresh(ui: UI, asset: str) -> None:
    # The daemon looks every half a minute; the page only once.
    query = """query($path: [String!]!) {assetNodeOrError(assetKey: {path: $path}) {
        ... on AssetNode {freshnessStatusInfo {freshnessStatus}}
    }}"""

    def is_fresh() -> bool:
        info = ui.ask(query, path=[asset])["assetNodeOrError"]["freshnessStatusInfo"]
        return info is not None and info["freshnessStatus"] == "HEALTHY"

    wait_for("state of freshness", is_fresh, ui.log)
    page = ui.open(f"/assets/{asset}")

    playwright.expect(page.get_by_text("Freshness policy", exact=True).first).to_be_visible()
    # Among the states, and beside the policy.
    playwright.expect(page.get_by_text("Passing", exact=True)).to_have_count(2)
    playwright.expect(page.get_by_text(re.compile(r"^Warns if more than \d+ days"))).to_be_visible()
    playwright.expect(_metadata_value(page, "version")).to_have_text("1")
    ui.shoot(f"16_fresh_{asset}")


def test_each_trial_of_a_search_is_a_materialized_partition(ui: UI, search: str) -> None:
    page = ui.open("/assets/trial_hit_rate?view=partitions")

    playwright.expect(page.get_by_text("Materialized (3)")).to_be_visible()
    for status in ("Failed", "Materializing", "Missing"):
        playwright.expect(page.get_by_text(f"{status} (0)")).to_be_visible()
    for trial in TRIALS:
        assert trial.startswith(search)
        playwright.expect(page.get_by_text(trial, exact=True).first).to_be_visible()
    ui.shoot("17_trials")
    page.get_by_text(TRIALS[1], exact=True).first.click()
    for text in ("parameters", "hit_rate", "hit_rate_interval", "training_seconds"):
        playwright.expect(page.get_by_text(text, exact=True).first).to_be_visible()
    ui.shoot("18_trial")


@pytest.mark.usefixtures("search")
def test_the_leaderboard_of_a_search_shows_its_trials_best_first_and_a_picture(ui: UI) -> None:
    page = ui.open("/assets/tuning_leaderboard")

    rows = _metadata_value(page, "leaderboard").get_by_role("row")
    playwright.expect(rows).to_have_count(1 + len(TRIALS))
    page.get_by_role("cell", name="leaderboard", exact=True).scroll_into_view_if_needed()
    ui.shoot("19_search")
    columns = rows.first.locator("th").all_inner_texts()
    cells = [row.locator("td").all_inner_texts() for row in rows.all()[1:]]
    shown = [dict(zip(columns, row, strict=True)) for row in cells]
    assert {row["trial"]: row["state"] for row in shown} == dict.fromkeys(TRIALS, "finished")
    rates = [float(row["hit_rate"]) for row in shown]
    assert rates == sorted(rates, reverse=True)
    assert len({(row["window"], row["scoring"]) for row in shown}) == len(TRIALS)
    _metadata_value(page, "parallel_coordinates").get_by_text("[Show Markdown]").click()
    assert _loaded_width(page, r"^Search small: 3 finished of 3 trials, on validation$") > 500
    ui.shoot("20_search_picture")


def test_a_refused_candidate_is_a_failed_run(ui: UI, refused_run_id: str) -> None:
    page = ui.open("/runs")

    playwright.expect(page.get_by_text(refused_run_id[:8], exact=True)).to_be_visible()
    playwright.expect(page.get_by_text("Failure", exact=True)).to_have_count(1)
    ui.shoot("22_runs")
    ui.open(f"/runs/{refused_run_id}")
    playwright.expect(page.get_by_text("Failure", exact=True)).to_be_visible()
    playwright.expect(page.get_by_text("candidate_may_be_promoted").first).to_be_visible()
    ui.shoot("23_refused_run")


@pytest.mark.usefixtures("refused_run_id")
def test_a_refusal_is_explained_in_words_and_with_the_history(ui: UI) -> None:
    page = ui.open("/assets/promotion_decision")

    decision = _metadata_value(page, "decision")
    playwright.expect(decision).to_contain_text("REFUSED: version 1 stays, because")
    playwright.expect(decision).to_contain_text(REASON)
    playwright.expect(_metadata_value(page, "promote")).to_have_text("false")
    ui.shoot("24_refusal")
    _metadata_value(page, "history").get_by_text("[Show Markdown]").click()
    assert _loaded_width(page, "^Candidates over time$") == 672
    ui.shoot("25_history")
    ui.open("/assets/promotion_decision?view=checks&checkDetail=candidate_may_be_promoted")
    playwright.expect(page.get_by_text("Failed", exact=True).last).to_be_visible()
    playwright.expect(page.get_by_text("Passed", exact=True)).to_have_count(0)
    playwright.expect(page.get_by_text(REASON).first).to_be_visible()
    ui.shoot("26_refusal_check")


@pytest.mark.usefixtures("refused_run_id")
def test_after_a_refusal_the_promoted_model_is_the_one_before(ui: UI) -> None:
    page = ui.open("/assets/promoted_model")

    playwright.expect(_metadata_value(page, "version")).to_have_text("1")
    playwright.expect(_metadata_value(page, "rows")).to_have_text("69983")
    ui.shoot("27_still_promoted")


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


def _loaded_width(page: Page, name: str) -> int:
    """The width of the picture whose alternative text matches ``name``, in its own pixels; 0 if it did not load."""
    picture = page.get_by_role("img", name=re.compile(name))
    playwright.expect(picture).to_be_visible()
    return picture.evaluate("image => image.complete ? image.naturalWidth : 0")


def _launch_with_config(ui: UI, config: dict[str, Any]) -> None:
    """Run training_job with ``config`` in place of the defaults that the launchpad shows."""
    page = ui.open(TRAINING)
    button = page.get_by_role("button", name="Materialize all")
    # The arrow beside it has no name.
    button.locator("xpath=following::button[1]").click()
    page.get_by_role("menuitem", name="Open launchpad").click()
    # Not before the defaults stand there: they would replace what was typed.
    editor = page.locator(".CodeMirror").filter(has_text="alpha: 0.025")
    editor.locator(".CodeMirror-lines").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(config, indent=1))
    launch = page.get_by_role("button", name="Materialize").last
    playwright.expect(launch).to_be_enabled()
    playwright.expect(page.get_by_text("No errors", exact=True)).to_be_visible()
    ui.shoot("21_launchpad")
    launch.click()
    page.wait_for_url("**/runs/*")


def _is_ours(requested: str, url: str) -> bool:
    return requested.startswith((url, url.replace("http", "ws", 1), "data:", "blob:"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
