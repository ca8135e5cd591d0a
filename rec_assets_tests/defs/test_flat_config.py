"""Without these a misspelt setting could be taken in silence, or refused with a stack and a list of all types."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from dagster._utils.error import serializable_error_info_from_exc_info

from rec_assets.core.base.errors import SettingsError
from rec_assets.definitions import defs
from rec_assets.defs.flat_config import InvalidJobSettings, parse_flat
from rec_assets.defs.jobs import DevTrainingSettings, TrainingSettings, TuningSettings, TutorialSettings
from rec_assets.serving.main import main

JOBS = {
    "training_job": TrainingSettings,
    "dev_training_job": DevTrainingSettings,
    "tutorial_job": TutorialSettings,
    "tuning_job": TuningSettings,
}


def refused(job: str, config: dict[str, Any]) -> str:
    """What the launch of ``job`` with ``config`` says, as the UI and the daemon show it."""
    mapping = defs.resolve_job_def(job).config_mapping
    assert mapping is not None
    with pytest.raises(InvalidJobSettings) as caught:
        mapping.resolve_from_unvalidated_config(config)
    try:
        raise caught.value
    except InvalidJobSettings:
        shown = serializable_error_info_from_exc_info(sys.exc_info())
    assert (shown.message, list(shown.stack), shown.cause) == (str(caught.value), [], None)
    return shown.message


@pytest.mark.parametrize("job", JOBS)
def test_the_launchpad_has_every_setting_with_its_description_and_default(job: str) -> None:
    mapping = defs.resolve_job_def(job).config_mapping
    assert mapping is not None
    shown = mapping.config_schema.config_type.fields

    defaults = JOBS[job]().as_dict()
    assert {name: field.default_value for name, field in shown.items()} == defaults
    fields = JOBS[job].model_fields
    assert {name: field.description for name, field in shown.items()} == {n: fields[n].description for n in fields}
    assert all(field.config_type.given_name != "Any" for field in shown.values())


@pytest.mark.parametrize("job", JOBS)
def test_all_faults_are_told_at_once_before_any_step(job: str) -> None:
    config = {"seeds": 1, "log_level": "loud", "seed": [2], "ops": {"x": {"config": {"seed": 3}}}}

    assert {line.partition(" Change it in")[0] for line in refused(job, config).splitlines()} == {
        "`ops` is a part of Dagster's nested config, and the jobs take one flat config: write `seed: 3` in its place.",
        "Setting `seed` is [2]; expected a whole number, at least 0 and below 4,294,967,296.",
        "Setting `log_level` is 'loud'; expected one of DEBUG, INFO, WARNING, ERROR.",
        "There is no setting `seeds`. Did you mean `seed`?",
        "Nothing was run.",
    }


def test_the_advice_for_a_nested_config_is_a_config_that_is_taken() -> None:
    nested = {
        "ops": {"track_embeddings": {"config": {"epochs": 2}}, "recommender": {"config": {"strategy": "item_knn"}}},
        "execution": {"config": {"multiprocess": {"max_concurrent": 2}}},
        "loggers": {"console": {"config": {"log_level": "DEBUG"}}},
    }
    text = refused("training_job", nested)
    assert "`execution` is a part of Dagster's nested config, and the jobs take one flat config: leave it out" in text

    advised = yaml.safe_load("\n".join(re.findall(r"`(\w+: [^`]+)`", text)))
    assert advised == {"epochs": 2, "strategy": "item_knn", "log_level": "DEBUG"}
    assert parse_flat(TrainingSettings, advised).epochs == 2


def test_a_value_may_stand_in_the_environment_as_the_launchpad_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_EPOCHS", "7")

    assert parse_flat(TrainingSettings, {"epochs": {"env": "MY_EPOCHS"}}).epochs == 7
    with pytest.raises(SettingsError, match=r"`source` is empty \(null\)"):
        parse_flat(TrainingSettings, {"source": {"env": "NOT_SET"}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- epochs\n", "expected settings by name, such as `epochs: 2`, found ['epochs']"),
        ("on: 2\n", "found {True: 2}"),
        ("a: [\n", "while parsing a flow node expected the node content"),
    ],
)
def test_make_run_refuses_a_file_that_holds_no_settings_where_dagster_would_show_a_stack(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)

    result = CliRunner().invoke(main, ["check-config", str(path)])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert f"CONFIG={path}: " in result.stderr
    assert said in result.stderr
