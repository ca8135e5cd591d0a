"""docs/recommender.ipynb from top to bottom; without this its cells, or the outputs in it, may be wrong."""

import json
import re
import tempfile
from pathlib import Path

from rec_assets_tests.journeys.notebook_cells import Output, code_cells, run_cells

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "recommender.ipynb"


def shown(output: Output) -> tuple:
    """What does not depend on the machine and its store: texts, and the columns of tables."""
    if output["output_type"] == "stream":
        return output["name"], "".join(output["text"])
    text = "".join(output["data"]["text/plain"])
    return sorted(output["data"]), text.splitlines()[0].split() if "text/html" in output["data"] else type(text)


def test_every_cell_runs_and_gives_what_the_notebook_shows(trained_store: Path, monkeypatch) -> None:
    monkeypatch.setenv("REC_ASSETS_STORAGE", str(trained_store))
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)

    outputs = run_cells(notebook, NOTEBOOK.parent)

    committed = [cell["outputs"] for cell in code_cells(notebook)]
    assert [list(map(shown, own)) for own in outputs] == [list(map(shown, own)) for own in committed]
    assert len(text) < 60_000
    assert not any(place in text for place in (tempfile.gettempdir(), str(Path.home()), "site-packages"))
    # Nor any other absolute path; of pictures the letters mean nothing.
    assert not re.search(r"(?<![\w.:/<])/\w+/", re.sub(r'"image/png": "[^"]*"', "", text).replace("\\n", "\n"))
