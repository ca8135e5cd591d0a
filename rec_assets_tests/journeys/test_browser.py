"""Without this the UI could ask questions before its first run, hide names, or show a refusal without its reason.

A real `dagster dev` on a part of the sample, and a real browser; its pictures stay in the test's folder.
"""

import gzip
import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.scheduler.instigation import ScheduleInstigatorData

from rec_assets.definitions import defs
from rec_assets.paths import SYNTHETIC_SAMPLE
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
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGE_PATIENCE = 30_000  # ms
RUN_PATIENCE = 200  # s; half a minute where nothing else is at work
LAPTOP = {"width": 1366, "height": 768}
SHORTENED = 18  # letters; the graph shows longer names without their middle unless it is zoomed in
LEAST_LETTER, ZOOM_BUTTONS = 8, 1_323  # pixels: height of a line, and where the buttons begin

GRAPH = defs.resolve_asset_graph()
EXECUTABLE = {key.path[-1] for key in GRAPH.executable_asset_keys}
CHECKS = len(GRAPH.asset_check_keys)
GROUPS: dict[str, list[str]] = {}
for _spec in defs.resolve_all_asset_specs():
    GROUPS.setdefault(str(_spec.group_name), []).append(_spec.key.path[-1])

SAMPLE_LINES, BROKEN_LINES = 10_000, 1_000
# A tenth of the rows: the gate has much to say.
_REASON = r"the data have 9\d\d rows, 0.10 times the 9,9\d\d of the promoted model; expected 0.8 to"
REASON = re.compile(_REASON.replace(" ", r"\s+"))
CHEAP = {"epochs": 2, "vector_size": 8, "min_count": 1, "k": 20, "ranker_trees": 10, "ranker_examples": 500}

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
        """Keep a picture of what is on the page now."""
        self.page.screenshot(path=self.folder / f"{name}.png", animations="disabled")

    def ask(self, query: str, **variables: Any) -> Any:
        return graphql(self.url, query, **variables)

    def finished_run(self, job: str) -> dict[str, Any]:
        """Id, status, assets and last messages of the one run of ``job``, when it is over."""
        query = """query($job: String!) {runsOrError(filter: {pipelineName: $job}) {... on Runs {results {
            runId status tags {key value} assetSelection {path} eventConnection {events {... on MessageEvent {message}}}
        }}}}"""

        def look() -> dict[str, Any] | None:
            runs = self.ask(query, job=job)["runsOrError"]["results"]
            return runs[0] if runs and runs[0]["status"] in ("SUCCESS", "FAILURE", "CANCELED") else None

        return wait_for("finished run", look, self.log, patience=RUN_PATIENCE)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=LAPTOP)
        page.set_default_timeout(PAGE_PATIENCE)
        playwright.expect.set_options(timeout=PAGE_PATIENCE)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def ui(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UI]:
    folder = tmp_path_factory.mktemp("browser")
    for name, lines in (("sample.csv", SAMPLE_LINES), ("broken.csv", BROKEN_LINES)):
        with gzip.open(SYNTHETIC_SAMPLE) as sample:
            (folder / name).write_bytes(b"".join(islice(sample, lines)))
    log = folder / "dagster_dev.log"
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    foreign: list[str] = []
    page.on("request", lambda request: None if _is_ours(request.url, url) else foreign.append(request.url))
    command = dagster_command("dagster", "dev", "--host", "127.0.0.1", "--port", str(port))
    config = folder / "scheduled.yaml"
    config.write_text(yaml.safe_dump({"source": str(folder / "broken.csv"), **CHEAP}))
    environment = own_environment(
        folder, REC_ASSETS_SOURCE=str(folder / "sample.csv"), REC_ASSETS_SCHEDULE_CONFIG=str(config)
    )
    with running(command, environment, log):
        wait_for("web server", lambda: answers(url), log)
        yield UI(url, page, folder, log, foreign)


@pytest.fixture(scope="module")
def run(ui: UI) -> dict[str, Any]:
    """The run of one click on "Materialize all" of the global lineage page, which asks nothing."""
    page = ui.open("/asset-groups/")
    button = page.get_by_role("button", name=re.compile("Materialize all"))
    playwright.expect(button).to_be_enabled()
    button.click()
    playwright.expect(page.get_by_text(re.compile("Launched run"))).to_be_visible()
    assert page.get_by_role("dialog").count() == 0
    return ui.finished_run("__ASSET_JOB")


@pytest.fixture(scope="module")
def refused_run(ui: UI, run: dict[str, Any]) -> dict[str, Any]:
    """A run of the weekly schedule, switched on in the UI: on broken data, which the gate refuses."""
    assert run["status"] == "SUCCESS"
    page = ui.open("/locations/rec_assets/schedules/weekly_training_schedule")
    page.get_by_role("checkbox").locator("xpath=..").click()  # the box itself is hidden behind its picture
    with dg.DagsterInstance.from_config(str(ui.folder / "dagster_home")) as instance:
        (state,) = wait_for("started schedule", lambda: instance.all_instigator_state(), ui.log)
        # So that one Monday, 05:00 UTC, is due at once.
        since = ScheduleInstigatorData("0 5 * * 1", time.time() - 7 * 24 * 3600)
        instance.update_instigator_state(state.with_data(since))
    return ui.finished_run("training_job")


def test_the_code_location_loads_without_a_warning(ui: UI) -> None:
    page = ui.open("/deployment/locations")

    playwright.expect(page.get_by_role("link", name=re.compile("^rec_assets"))).to_be_visible()
    playwright.expect(page.get_by_text("Loaded", exact=True)).to_be_visible()
    # `dagster dev` says of itself that `dg dev`, which is another package, succeeds it.
    warnings = [line for line in ui.log.read_text().splitlines() if re.search("warn|error", line, re.IGNORECASE)]
    assert [line for line in warnings if "`dev_command` is superseded" not in line] == []


def test_every_name_in_the_graph_can_be_read_on_a_laptop(ui: UI) -> None:
    """Collapsed and with each group expanded: in sight, in letters of a size, and whole in the list beside it."""
    page = ui.open("/asset-groups/")
    for group in GROUPS:
        _assert_readable(page.get_by_text(group, exact=True).last)
    ui.shoot("graph")
    for group, names in GROUPS.items():
        page = ui.open(f"/asset-groups/?expanded=global%40global%3A{group}")
        for name in names:
            _assert_readable(page.get_by_text(_as_in_the_graph(name), exact=True).last)
        # The arrow before the group's name in the list.
        page.get_by_role("button", name=group).first.locator("xpath=preceding::button[1]").click()
        for name in names:
            _assert_readable(page.get_by_text(name, exact=True).first)
        ui.shoot(f"graph_{group}")


def test_materialize_all_is_one_click_without_a_question_and_succeeds(ui: UI, run: dict[str, Any]) -> None:
    assert run["status"] == "SUCCESS", run["eventConnection"]["events"][-5:]
    # What jobs report, and materializing does not make, is no part of it.
    assert {key["path"][-1] for key in run["assetSelection"]} == EXECUTABLE

    page = ui.open(f"/runs/{run['runId']}")
    playwright.expect(page.get_by_text(f"{len(EXECUTABLE)} assets")).to_be_visible()
    playwright.expect(page.get_by_text(f"{CHECKS} checks")).to_be_visible()


@pytest.mark.usefixtures("run")
def test_a_table_page_shows_columns_counts_and_its_first_rows(ui: UI) -> None:
    page = ui.open("/assets/raw_playlists")

    for text in (
        "Who made the playlist; null where the source has no users.",
        "Row count",
        "reject_share",
        "rejects_path",
    ):
        playwright.expect(page.get_by_text(text, exact=True)).to_be_visible()
    _metadata_value(page, "preview").get_by_text("[Show Markdown]").click()
    rows = page.get_by_role("dialog").get_by_role("row")
    playwright.expect(rows).to_have_count(1 + 10)
    playwright.expect(rows.first).to_contain_text("user_id")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("asset", "entry", "name"),
    [
        ("model_leaderboard", "hit_rate_curves", "^Hit rate by strategy, [0-9,]+ validation playlists$"),
        ("recommendation_report", "track_map", "^The [0-9,]+ most frequent tracks"),
    ],
)
def test_a_picture_opens_whole_in_the_window_of_a_laptop(ui: UI, asset: str, entry: str, name: str) -> None:
    page = ui.open(f"/assets/{asset}")

    _metadata_value(page, entry).get_by_text("[Show Markdown]").click()
    picture = page.get_by_role("img", name=re.compile(name))
    playwright.expect(picture).to_be_visible()
    assert 600 < picture.evaluate("image => image.complete && image.naturalWidth") <= 1_000
    # The dialog cuts off what does not fit.
    box, dialog = (one.bounding_box() for one in (picture, page.get_by_role("dialog")))
    assert dialog["x"] <= box["x"] < box["x"] + box["width"] <= dialog["x"] + dialog["width"]
    ui.shoot(entry)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(("asset", "entry"), [("model_leaderboard", "leaderboard"), ("validation_ranks", "preview")])
def test_no_column_of_a_table_is_cut_off(ui: UI, asset: str, entry: str) -> None:
    page = ui.open(f"/assets/{asset}")

    _metadata_value(page, entry).get_by_text("[Show Markdown]").click()
    table = page.get_by_role("dialog").get_by_role("table")
    playwright.expect(table).to_be_visible()
    box, dialog = (one.bounding_box() for one in (table, page.get_by_role("dialog")))
    assert box["x"] + box["width"] <= dialog["x"] + dialog["width"]


@pytest.mark.usefixtures("run")
def test_the_checks_of_an_asset_show_their_evidence_and_can_be_executed_alone(ui: UI) -> None:
    page = ui.open("/assets/validation_hit_rate?view=checks&checkDetail=is_a_share")

    playwright.expect(page.get_by_text("Passed", exact=True)).to_be_visible()
    playwright.expect(page.get_by_text(re.compile(r"^0\.\d+ at 1, .* at 100$")).first).to_be_visible()
    playwright.expect(page.get_by_role("button", name="Execute all")).to_be_enabled()


@pytest.mark.usefixtures("run")
def test_the_report_is_linked_and_opens_without_a_network(ui: UI) -> None:
    report = ui.folder / "store" / "recommendation_report.html"
    playwright.expect(_metadata_value(ui.open("/assets/recommendation_report"), "path")).to_contain_text(str(report))

    offline = ui.page.context.browser.new_context(viewport=LAPTOP, offline=True)
    page = offline.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    playwright.expect(page.get_by_role("heading", level=1)).to_be_visible()
    playwright.expect(page.get_by_role("img")).to_have_count(3)
    for picture in page.get_by_role("img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth") > 600
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=ui.folder / "report.png", full_page=True)
    # On a phone only boxes that can be moved hold more than is seen of them.
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    cut = """[...document.querySelectorAll("main *, header *")].filter(element => !element.closest(".wide")
        && element.getBoundingClientRect().right > window.innerWidth).map(element => element.outerHTML)"""
    assert page.evaluate(cut) == []
    offline.close()


def test_the_launchpad_shows_the_defaults_and_takes_a_flat_config(ui: UI) -> None:
    page = ui.open("/locations/rec_assets/jobs/training_job")
    # The arrow beside the button has no name.
    page.get_by_role("button", name="Materialize all").locator("xpath=following::button[1]").click()
    page.get_by_role("menuitem", name="Open launchpad").click()
    # Not before the defaults are there: they would replace what was typed.
    editor = page.locator(".CodeMirror").filter(has_text="alpha: 0.0")
    editor.locator(".CodeMirror-lines").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(CHEAP, indent=1))
    playwright.expect(page.get_by_role("button", name="Materialize").last).to_be_enabled()
    playwright.expect(page.get_by_text("No errors", exact=True)).to_be_visible()

    # What is refused is said in our words, without a stack.
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("epoch: 2")
    page.get_by_role("button", name="Materialize").last.click()
    refused = page.get_by_role("dialog").filter(has_text="There is no setting `epoch`. Did you mean `epochs`?")
    playwright.expect(refused).to_be_visible()
    playwright.expect(refused).not_to_contain_text("File ")


def test_the_daemon_ticks_the_schedule_with_the_settings_of_its_file(ui: UI, refused_run: dict[str, Any]) -> None:
    tags = {tag["key"]: tag["value"] for tag in refused_run["tags"]}
    assert tags["dagster/schedule_name"] == "weekly_training_schedule"
    decision = json.loads((ui.folder / "store" / "promotion_decision.json").read_text())
    assert decision["candidate"]["k"] == CHEAP["k"]


def test_a_refused_candidate_is_a_failed_run_explained_in_words_and_with_the_history(ui: UI, refused_run) -> None:
    assert refused_run["status"] == "FAILURE"
    page = ui.open(f"/runs/{refused_run['runId']}")
    playwright.expect(page.get_by_text("candidate_may_be_promoted").first).to_be_visible()

    ui.open("/assets/promotion_decision")
    decision = _metadata_value(page, "decision")
    playwright.expect(decision).to_contain_text("REFUSED: version 1 stays, because")
    playwright.expect(decision).to_contain_text(REASON)
    ui.shoot("refusal")
    # Whole, however wide the paths make its table, which is moved within a box.
    assert decision.evaluate("""cell => {
        const text = document.createRange()
        text.selectNodeContents(cell)
        const box = cell.closest("table").parentElement.getBoundingClientRect()
        return [...text.getClientRects()].every(line => line.right <= box.right)
    }""")
    _metadata_value(page, "history").get_by_text("[Show Markdown]").click()
    playwright.expect(page.get_by_role("img", name="Candidates over time")).to_be_visible()

    ui.open("/assets/promotion_decision?view=checks&checkDetail=candidate_may_be_promoted")
    playwright.expect(page.get_by_text("Failed", exact=True).last).to_be_visible()
    playwright.expect(page.get_by_text(REASON).first).to_be_visible()


@pytest.mark.usefixtures("refused_run")
def test_the_model_promoted_before_stays_and_is_shown_as_fresh(ui: UI) -> None:
    # The daemon looks every half a minute; the page only once.
    query = """{assetNodeOrError(assetKey: {path: ["promoted_model"]}) {
        ... on AssetNode {freshnessStatusInfo {freshnessStatus}}
    }}"""

    def is_fresh() -> bool:
        info = ui.ask(query)["assetNodeOrError"]["freshnessStatusInfo"]
        return info is not None and info["freshnessStatus"] == "HEALTHY"

    wait_for("state of freshness", is_fresh, ui.log)
    page = ui.open("/assets/promoted_model")

    # Among the states, and beside the policy.
    playwright.expect(page.get_by_text("Passing", exact=True)).to_have_count(2)
    playwright.expect(page.get_by_text(re.compile(r"^Warns if more than \d+ days"))).to_be_visible()
    playwright.expect(_metadata_value(page, "version")).to_have_text("1")


@pytest.mark.usefixtures("run")
def test_nothing_is_asked_of_any_other_machine(ui: UI) -> None:
    assert ui.foreign_requests == []


def _as_in_the_graph(name: str) -> re.Pattern[str]:
    """``name``, or its beginning and end where it is long."""
    short = re.escape(name[:7]) + ".*…" + ".*" + re.escape(name[-5:])
    return re.compile(f"^({name}|{short})$" if len(name) > SHORTENED else f"^{name}$")


def _assert_readable(text: Any) -> None:
    """``text`` is in the window, left of the buttons for zooming, and its letters are large enough."""
    playwright.expect(text).to_be_visible()
    box = text.bounding_box()
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    is_seen = 0 <= box["x"] < right < ZOOM_BUTTONS and 0 <= box["y"] < bottom <= LAPTOP["height"]
    assert is_seen, (text.inner_text(), box)
    assert box["height"] >= LEAST_LETTER, (text.inner_text(), box)


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
