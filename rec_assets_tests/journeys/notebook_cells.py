"""Runs the code cells of a notebook in order, without Jupyter, which would bring 25 packages.

``python -m rec_assets_tests.journeys.notebook_cells docs/recommender.ipynb`` writes the outputs into the notebook.
"""

import ast
import base64
import contextlib
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

Output = dict[str, Any]


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(notebook: dict[str, Any], folder: Path) -> list[list[Output]]:
    """The outputs of each code cell, as a notebook keeps them; the cells run in ``folder``, as Jupyter runs them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    matplotlib.use("Agg")
    with contextlib.chdir(folder):
        return [_run(cell, number, names) for number, cell in enumerate(code_cells(notebook), 1)]


def _run(cell: dict[str, Any], number: int, names: dict[str, Any]) -> list[Output]:
    import matplotlib.pyplot as plt

    body = ast.parse("".join(cell["source"])).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed, logged, value = io.StringIO(), io.StringIO(), None
    with (
        contextlib.redirect_stdout(printed),
        _log_to(logged),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("default")
        exec(compile(ast.Module(body, []), f"<cell {number}>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"<cell {number}>", "eval"), names)
    told = logged.getvalue() + "".join(f"{one.category.__name__}: {one.message}\n" for one in warned)
    outputs = [_stream("stderr", told), _stream("stdout", printed.getvalue())]
    if plt.get_fignums():
        outputs.append({"output_type": "display_data", "data": _picture(plt), "metadata": {}})
    elif value is not None:
        outputs.append(
            {"output_type": "execute_result", "execution_count": number, "data": _data(value), "metadata": {}}
        )
    return [one for one in outputs if one.get("text") != []]


@contextlib.contextmanager
def _log_to(stream: io.StringIO) -> Iterator[None]:
    """Warnings of the log, which Python writes to stderr where nobody asks for more."""
    handler, log = logging.StreamHandler(stream), logging.getLogger("rec_assets")
    handler.setLevel(logging.WARNING)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _stream(name: str, text: str) -> Output:
    return {"output_type": "stream", "name": name, "text": text.splitlines(keepends=True)}


def _picture(plt: Any) -> dict[str, Any]:
    content = io.BytesIO()
    plt.savefig(content, dpi=80, bbox_inches="tight")
    plt.close("all")
    return {"image/png": base64.b64encode(content.getvalue()).decode(), "text/plain": ["<Figure>"]}


def _data(value: Any) -> dict[str, Any]:
    texts = {"text/plain": repr(value)}
    if hasattr(value, "_repr_html_"):
        texts["text/html"] = value._repr_html_()
    return {kind: text.splitlines(keepends=True) for kind, text in texts.items()}


if __name__ == "__main__":
    path = Path(sys.argv[1]).resolve()
    document = json.loads(path.read_text(encoding="utf-8"))
    for number, (cell, outputs) in enumerate(
        zip(code_cells(document), run_cells(document, path.parent), strict=True), 1
    ):
        cell |= {"execution_count": number, "outputs": outputs}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
