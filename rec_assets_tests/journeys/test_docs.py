"""Without this a command, an output, a setting or a link in README.md or docs/ could be wrong till a newcomer tries it.

Every block of a page is run from top to bottom in a temporary checkout, a page being one shell and one Python session.
The README comes first, in a checkout as git hands it out; the other pages find what it left: a store with a model of
the shipped sample. A `text` block directly below a block is its output, in which `…` stands for anything; README has
one below each block that prints. In the line before a block, `<!-- not run: REASON -->` leaves it out, and
`<!-- goes on: URL -->` says that it runs until it is stopped, which it is when the URL answers.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.tuning.search import parse_search
from rec_assets.defs.flat_config import parse_flat
from rec_assets.defs.jobs import DevTrainingSettings, TrainingSettings, TuningSettings, TutorialSettings
from rec_assets.serving.main import main
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, wait_for

README = CHECKOUT / "README.md"
PAGES = sorted((CHECKOUT / "docs").glob("*.md"))
TEXTS = {page: page.read_text(encoding="utf-8") for page in (README, *PAGES)}
MOST_WORDS = 800

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FENCE = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<content>.*?)^```$"
    r"(?:\n\n?```text\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
RUN, CHECKED, SHOWN = ("bash", "python"), ("yaml",), ("text", "csv", "tsv", "json")
LINK = re.compile(r"\]\(([^()\s]+)\)")
DONE = "the block is done"
GOES_ON = "goes on: "
# Shows the value of an expression, as a notebook does.
PYTHON = f"""
import ast, sys
names = {{"__name__": "__main__"}}
for path in map(str.strip, sys.stdin):
    for statement in ast.parse(open(path).read()).body:
        exec(compile(ast.Interactive([statement]), path, "single"), names)
    print("{DONE}", flush=True)
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: the line of its fence, what the line before notes, and the output that the page shows."""

    line: int
    note: str
    language: str
    content: str
    output: str | None


def blocks(page: Path) -> list[Block]:
    text = TEXTS[page]
    return [
        Block(text[: one.start()].count("\n") + 1, one["note"] or "", one["language"], one["content"], one["output"])
        for one in FENCE.finditer(text)
    ]


class Session:
    """A process that runs the blocks of one language of a page, and what these start, in a group of its own."""

    def __init__(self, language: str, folder: Path, environment: Mapping[str, str]) -> None:
        command = {"bash": ["bash", "-e"], "python": ["python", "-u", "-c", PYTHON]}[language]
        self._line = f". {{}} </dev/null; echo '{DONE}'\n" if language == "bash" else "{}\n"
        self._folder = folder
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, content: str) -> tuple[str, bool]:
        """What ``content`` prints, and whether it succeeded."""
        script = self._folder.parent / "block"
        script.write_text(content)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._line.format(script))
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.endswith(f"{DONE}\n"):
                return "".join([*printed, line.removesuffix(f"{DONE}\n")]), True
            printed.append(line)
        return "".join(printed), False

    def run_until(self, url: str, content: str) -> str:
        """What ``content`` prints until ``url`` answers."""
        log = self._folder.parent / "log"
        log.touch()
        words = f"setsid bash -ec {shlex.quote(content)} </dev/null >{log} 2>&1 &\necho $!; disown\n"
        group, _ = self.run(words)
        try:
            wait_for(f"answer of {url}", lambda: _answers(url), log)
        finally:
            os.killpg(int(group), signal.SIGKILL)
        return log.read_text()

    def end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


def fault_of(page: Path, folder: Path, environment: Mapping[str, str]) -> str | None:
    """The first block of ``page`` that does not do in ``folder`` what the page says; None if all do."""
    sessions: dict[str, Session] = {}
    try:
        for block in blocks(page):
            if block.language not in RUN or block.note.startswith("not run: "):
                continue
            if block.language not in sessions:
                sessions[block.language] = Session(block.language, folder, environment)
            session, succeeded = sessions[block.language], True
            if block.note.startswith(GOES_ON):
                printed = session.run_until(block.note.removeprefix(GOES_ON), block.content)
            else:
                printed, succeeded = session.run(block.content)
            wrong = None if succeeded else "fails"
            if succeeded and (block.output is not None or page == README):
                wrong = difference(block.output or "", printed)
            if wrong:
                where = f"{page.name}, line {block.line}: the block"
                return f"{where}\n\n{block.content}\n{wrong}. It printed\n\n{shortened(printed)}"
    finally:
        for session in sessions.values():
            session.end()
    return None


def shortened(text: str, part: int = 3_000) -> str:
    return text if len(text) <= 2 * part else f"{text[:part]}\n[…]\n{text[-part:]}"


def difference(expected: str, printed: str) -> str | None:
    """What of the ``expected`` output was not ``printed``, or more; None if they agree."""
    # How columns are aligned follows from the longest name among the three that happen to be recommended.
    lines, found = ([" ".join(line.split()) for line in text.strip().splitlines()] for text in (expected, printed))
    text = "".join(f"{line}\n" for line in found)
    patterns = [r"(?:.*\n)*?" if line == "…" else r".*?".join(map(re.escape, line.split("…"))) + "\n" for line in lines]
    for count in range(1, len(lines) + 1):
        if not re.match("".join(patterns[:count]), text):
            return f"does not print the expected line {lines[count - 1]!r} in its place"
    return None if re.fullmatch("".join(patterns), text) else "prints more than is expected"


def checkout(folder: Path) -> Path:
    """A copy of what git knows of this checkout, with its environment, so that nothing is installed again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, folder / name)
    # What is compiled is shared: files of the same time and size are the same to Python and numba.
    for package in (folder / "rec_assets").rglob("__init__.py"):
        cache = CHECKOUT / package.parent.relative_to(folder) / "__pycache__"
        cache.mkdir(exist_ok=True)
        (package.parent / "__pycache__").symlink_to(cache)
    environment = folder / ".venv"
    environment.mkdir()
    for path in Path(sys.prefix).iterdir():
        (environment / path.name).symlink_to(path)
    for stamp in (".pip", ".installed", ".installed-dev"):
        (environment / stamp).unlink(missing_ok=True)
        (environment / stamp).touch()
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """That of a newcomer's shell; no block can install anything."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "home").mkdir()
    # Inside `make test` another make would say which folder it enters.
    others = ("REC_ASSETS_", "DAGSTER_", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    own = {"HOME": str(folder / "home"), "PYTHONPATH": str(folder / "checkout"), "PIP_NO_INDEX": "1", "COLUMNS": "120"}
    return {**kept, **own, "PATH": f"{folder}/checkout/.venv/bin:{kept['PATH']}"}


@pytest.fixture(scope="module")
def newcomer(environment: dict[str, str]) -> tuple[Path, Path, str | None]:
    """A folder for checkouts, a copy of one after README was followed there, and what went wrong."""
    folder = checkout(Path(environment["PYTHONPATH"]))
    fault = fault_of(README, folder, environment)
    return folder, Path(shutil.copytree(folder, folder.parent / "after_readme", symlinks=True)), fault


def test_readme_followed_from_the_first_line_to_the_last_prints_what_it_says(
    newcomer: tuple[Path, Path, str | None],
) -> None:
    *_, fault = newcomer

    if fault:
        pytest.fail(fault, pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_followed_from_the_first_line_to_the_last_prints_what_it_says(
    page: Path, newcomer: tuple[Path, Path, str | None], environment: dict[str, str]
) -> None:
    folder, trained, _ = newcomer
    # In the same place each time, as the names of files that the store and Dagster remember are whole.
    shutil.rmtree(folder)
    shutil.copytree(trained, folder, symlinks=True)

    fault = fault_of(page, folder, environment)

    if fault:
        pytest.fail(fault, pytrace=False)


def _faults_as_settings(content: str) -> Iterator[str]:
    """Why ``content`` is no config, for each job; fewer than there are jobs if it is one."""
    for job in (TrainingSettings, DevTrainingSettings, TutorialSettings, TuningSettings):
        try:
            settings = parse_flat(job, yaml.safe_load(content))
            if job is TuningSettings:
                parse_search(settings)
        except SettingsError as error:
            yield f"{job.__name__}: {error}"


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.stem)
def test_every_block_is_run_or_checked_and_every_link_leads_somewhere(page: Path) -> None:
    text, found = TEXTS[page], blocks(page)
    fences = 2 * sum(1 if block.output is None else 2 for block in found)
    assert text.count("```") == fences, "a block that is indented, not closed, or has more than a language is not run"
    for block in found:
        assert block.language in (*RUN, *CHECKED, *SHOWN), f"line {block.line}: a block of unknown kind"
        if block.language in CHECKED and not block.note.startswith("not run: "):
            faults = list(_faults_as_settings(block.content))
            assert len(faults) < 4, f"line {block.line}: no settings of any job:\n" + "\n".join(faults)

    outside = FENCE.sub("", text)
    links = [link for link in LINK.findall(outside) if "://" not in link]
    for path, _, anchor in (link.partition("#") for link in links):
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {path}, which is not there"
        assert not anchor or anchor in _anchors(target.read_text()), f"{page.name}: no heading #{anchor} in {target}"


def _anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short_and_leads_to_every_page_and_the_pages_name_every_command() -> None:
    assert len(TEXTS[README].split()) <= MOST_WORDS
    linked = {README.parent / link for link in LINK.findall(TEXTS[README])}
    assert set(PAGES) - linked == set(), "pages that README does not lead to"
    everything = "".join(TEXTS.values())
    commands = [name for name, command in main.commands.items() if not command.hidden]
    assert [name for name in commands if f"rec-assets {name}" not in everything] == []
