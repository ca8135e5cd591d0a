"""``summary`` and ``promote`` on damaged documents; without this one ends in a stack, or names no file or remedy."""

import copy
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.seal import UNSEALED, seal
from rec_assets.core.promoted.model import open_promoted, save_promoted
from rec_assets.serving.main import main

REMEDIES = ("Materialize ", "rec-assets promote", "mend the permissions")
DOCUMENTS = ("validation_hit_rate.json", "test_hit_rate.json", "promotion_decision.json", "promoted_model.json")
COMMANDS = (["summary"], ["promote"], ["promote", "1"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.just(-1), st.floats(allow_nan=False, width=32),
    st.text(max_size=5), st.just("2025-99-01T00:00:00+00:00"), st.just("2025-01-01"),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
EXAMPLES = int(os.environ.get("EXAMPLES", "15"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def base(trained_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(trained_store, tmp_path_factory.mktemp("damaged") / "store")


def require_explained(base: Path, file: str) -> list[int]:
    """Each command ends well, or with a message that names ``file`` and what to do."""
    codes = []
    for words in COMMANDS:
        done = CliRunner().invoke(main, [words[0], "--storage", str(base), *words[1:]])
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, repr(done.exception))
        assert done.exit_code in (0, 1), done.output
        if done.exit_code:
            assert file in done.output, (words, done.output)
            assert any(remedy in done.output for remedy in REMEDIES), (words, done.output)
        codes.append(done.exit_code)
    return codes


def places(document: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of ``document``, but not to those of long lists."""
    children = document.items() if isinstance(document, dict) else enumerate(document[:2])
    for name, child in children:
        yield (*here, name)
        if isinstance(child, dict | list):
            yield from places(child, (*here, name))


def changed(document: dict[str, Any], way: tuple[Any, ...], value: Any, *, is_removed: bool) -> dict[str, Any]:
    document = copy.deepcopy(document)
    inner: Any = document
    for name in way[:-1]:
        inner = inner[name]
    if is_removed:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return document


@pytest.mark.parametrize("name", DOCUMENTS)
def test_any_value_of_a_document_may_be_anything(base: Path, name: str) -> None:
    path = base / name
    whole = path.read_bytes()
    document = {key: value for key, value in json.loads(whole).items() if key != "checksum"}
    # What the commands read, and a share of the rest.
    shallow = [way for way in places(document) if len(way) == 1 or way[0] in ("counts", "reasons")]
    deep = [*places({"lineage": document["lineage"]})]

    @many
    @given(way=st.one_of(st.sampled_from(shallow), st.sampled_from(deep)), value=VALUES, is_removed=st.booleans())
    def try_all(way: tuple[Any, ...], value: Any, is_removed: bool) -> None:
        # As `write_json` does, which refuses infinite numbers.
        damaged = changed(document, way, value, is_removed=is_removed) | {"checksum": UNSEALED}
        path.write_text(json.dumps(damaged) + "\n", encoding="utf-8")
        seal(path)
        require_explained(base, name)

    try:
        try_all()
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_cut_off_turned_over_or_another_is_refused_with_the_remedy(base: Path, name: str) -> None:
    path = base / name
    whole = path.read_bytes()
    sealed = [b"", b"null\n", b"[1]\n", b'{"a": NaN, \n', b'{"a": Infinity}\n', b"\xff\n", b"[" * 9_999 + b"\n"]
    try:
        for content in (whole[: len(whole) // 2], whole[:-9], whole.replace(b"e", b"f", 1), whole + b" ", b""):
            path.write_bytes(content)
            require_explained(base, name)
        for content in sealed:
            path.write_bytes(content + UNSEALED.encode())
            seal(path)
            require_explained(base, name)
        path.unlink()
        path.mkdir()
        assert 1 in require_explained(base, name)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        path.write_bytes(whole)


def test_the_facts_of_a_version_may_be_anything(base: Path) -> None:
    path = base / "promoted_models" / "v0001.safetensors"
    whole, model = path.read_bytes(), open_promoted(path)
    lineage = Lineage("1", 100.0, {})

    @many
    @given(way=st.sampled_from([*places(model.facts)]), value=VALUES, is_removed=st.booleans())
    def try_all(way: tuple[Any, ...], value: Any, is_removed: bool) -> None:
        facts = changed(model.facts, way, value, is_removed=is_removed)
        save_promoted(model.recommender, model.names, facts, lineage, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)  # the old one is mapped
        require_explained(base, path.name)

    try:
        try_all()
    finally:
        path.write_bytes(whole)
