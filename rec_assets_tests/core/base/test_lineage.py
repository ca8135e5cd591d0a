"""Without these, a stale file could pass for a fresh one, and files of two catalogs could be mixed."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rec_assets import __version__
from rec_assets.core.base.errors import DataError, UnreadableError
from rec_assets.core.base.lineage import FORMAT, Lineage, derive_lineage

NAMES = st.text("abcdefgh_", min_size=1, max_size=12)
VALUES = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=9))
SETTINGS = st.dictionaries(NAMES, VALUES, max_size=5)
PERCENTS = st.floats(0, 100, exclude_min=True)


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    return derive_lineage(
        draw(NAMES), code_version=draw(NAMES), settings=draw(SETTINGS), inputs={}, sample_percent=draw(PERCENTS)
    )


INPUTS = st.dictionaries(NAMES, lineages(), max_size=4)


def derive(name: str = "asset", inputs: dict[str, Lineage] | None = None, **given_values: Any) -> Lineage:
    return derive_lineage(name, **{"code_version": "1", "settings": {}, "inputs": inputs or {}, **given_values})


@settings(deadline=None, max_examples=30)
@given(NAMES, NAMES, SETTINGS, INPUTS, st.text(max_size=9), PERCENTS)
def test_the_same_ingredients_in_any_order_give_the_same_text(name, code, chosen, inputs, content, percent) -> None:
    def backwards(mapping: dict) -> dict:
        return dict(reversed(mapping.items()))

    first, second = (
        derive_lineage(
            name,
            code_version=code,
            settings=order(chosen),
            inputs=order(inputs),
            content=content,
            sample_percent=percent,
        )
        for order in (dict, backwards)
    )

    assert first == second
    assert first.to_json() == second.to_json()
    assert Lineage.from_json(first.to_json()) == first


def test_a_document_says_its_format_and_another_one_is_refused_with_both_versions() -> None:
    document = derive().as_document()

    assert (document["format"], document["rec_assets"]) == (FORMAT, __version__)
    newer = json.dumps(document | {"format": FORMAT + 1, "rec_assets": "9.1"})
    with pytest.raises(UnreadableError, match=rf"format {FORMAT + 1} \(rec_assets 9\.1\).* reads format {FORMAT}"):
        Lineage.from_json(newer)
    first = {name: value for name, value in document.items() if name not in ("format", "rec_assets")}
    with pytest.raises(UnreadableError, match=r"format 1 \(an older version of rec_assets\)"):
        Lineage.from_document(first)


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", json.dumps({"format": FORMAT}), json.dumps({"format": FORMAT, "mood": 1})]
)
def test_what_is_no_lineage_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        Lineage.from_json(text)


@settings(max_examples=50)
@given(SETTINGS, SETTINGS)
def test_other_settings_give_another_version(first, second) -> None:
    # 1, 1.0 and True are equal in Python, but not as settings.
    assume(json.dumps(first, sort_keys=True) != json.dumps(second, sort_keys=True))
    assert derive(settings=first).data_version != derive(settings=second).data_version


@pytest.mark.parametrize(
    "other",
    [
        {"name": "another"},
        {"code_version": "2"},
        {"settings": {"epochs": 3}},
        {"content": "digest"},
        {"inputs": {"up": derive("up", settings={"k": 1})}},
        {"inputs": {}},
        {"sample_percent": 50},
    ],
)
def test_each_ingredient_changes_the_version(other: dict) -> None:
    base = {"name": "asset", "inputs": {"up": derive("up")}}
    assert derive(**base).data_version != derive(**{**base, **other}).data_version


@settings(max_examples=50)
@given(st.lists(PERCENTS, min_size=1, max_size=4), PERCENTS)
def test_a_sample_anywhere_upstream_stays_visible(upstream, own) -> None:
    inputs = {f"up{number}": derive(f"up{number}", sample_percent=each) for number, each in enumerate(upstream)}
    lineage = derive(inputs=inputs, sample_percent=own)

    smallest = min([own, *upstream])
    assert lineage.sample_percent == smallest
    assert lineage.is_dev == (smallest < 100)
    assert lineage.data_version.startswith("dev") == (smallest < 100)


@pytest.mark.parametrize(("percent", "mark"), [(10, "dev10-"), (12.5, "dev12.5-"), (99.9999999, "dev99.9999999-")])
def test_the_mark_tells_the_percent(percent: float, mark: str) -> None:
    assert derive(sample_percent=percent).data_version.startswith(mark)


def test_ancestors_are_everything_upstream_with_version_and_settings() -> None:
    raw = derive("raw", settings={"format": "csv"})
    catalog = derive("catalog", {"raw": raw})
    sequences = derive("sequences", {"raw": raw, "catalog": catalog}, settings={"min_tracks": 3})
    model = derive("model", {"sequences": sequences})

    assert model.ancestors == {
        "raw": {"data_version": raw.data_version, "settings": {"format": "csv"}},
        "catalog": {"data_version": catalog.data_version, "settings": {}},
        "sequences": {"data_version": sequences.data_version, "settings": {"min_tracks": 3}},
    }


def test_inputs_from_two_versions_of_one_ancestor_are_refused_by_name_version_and_remedy() -> None:
    old, new = derive("raw", content="old"), derive("raw", content="new")
    model, playlists = derive("model", {"raw": old}), derive("playlists", {"raw": new})

    with pytest.raises(DataError) as refusal:
        derive("ranks", {"model": model, "playlists": playlists})
    assert str(refusal.value) == (
        f"ranks: its inputs do not belong together: model was made from raw {old.data_version}, playlists was made "
        f"from raw {new.data_version}. Materialize again everything between raw and ranks."
    )


@pytest.mark.parametrize("name", ["a_before_raw", "z_after_raw"])
def test_an_input_that_was_made_from_another_version_of_a_second_input_is_refused(name: str) -> None:
    old, new = derive("raw", content="old"), derive("raw", content="new")

    with pytest.raises(DataError, match=rf"raw is {new.data_version}|{name} was made from raw {old.data_version}"):
        derive("sequences", {"raw": new, name: derive(name, {"raw": old})})


def test_a_full_input_beside_one_of_a_sample_is_refused_where_they_share_an_ancestor() -> None:
    dev, full = (derive("sequences", sample_percent=percent) for percent in (10, 100))
    with pytest.raises(DataError, match="dev10-"):
        derive("ranks", {"model": derive("model", {"sequences": dev}), "test": derive("test", {"sequences": full})})


def test_what_a_step_makes_together_must_stay_together() -> None:
    sequences = {"sequences": derive("sequences")}

    def part(name: str, seed: int) -> Lineage:
        return derive(name, sequences, settings={"seed": seed}, step="split")

    train, test, other_test = part("train", 1), part("test", 1), part("test", 2)
    assert len({train.data_version, test.data_version, other_test.data_version}) == 3
    model = derive("model", {"train": train})
    derive("ranks", {"model": model, "test": test})
    with pytest.raises(DataError, match=r"model was made from split \w+, test was made from split "):
        derive("ranks", {"model": model, "test": other_test})


@settings(max_examples=30)
@given(st.data())
def test_graphs_made_in_one_go_are_never_refused(data) -> None:
    """Every asset over any of those before it, each made once."""
    made: dict[str, Lineage] = {}
    for number in range(8):
        chosen = data.draw(st.sets(st.sampled_from(sorted(made)))) if made else set()
        made[f"asset{number}"] = derive(f"asset{number}", {name: made[name] for name in chosen})


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=9), st.integers(0, 3))
def test_any_asset_made_anew_is_refused_beside_what_still_rests_on_the_old_one(content, renewed) -> None:
    """A chain of five assets; one is made anew from other content, and a last one takes it and the chain's end."""
    chain: dict[str, Lineage] = {}
    for number in range(5):
        inputs = {name: chain[name] for name in list(chain)[-1:]}
        chain[f"asset{number}"] = derive(f"asset{number}", inputs)
    name = f"asset{renewed}"

    with pytest.raises(DataError):
        derive("last", {name: derive(name, content=content), "asset4": chain["asset4"]})
