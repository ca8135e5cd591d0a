"""Without this the image could copy what is not there, and the services start what is not there, or open to everybody.

No container engine is needed: the files are read, and what they name is looked for here.
"""

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from rec_assets.paths import CHECKOUT

SERVICES = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "postgres"}
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ")


@cache
def help_of(*words: str) -> str:
    program = Path(sys.executable).with_name(words[0])
    return subprocess.run([program, *words[1:], "--help"], check=True, capture_output=True, text=True).stdout


def test_the_image_is_made_of_files_and_extras_that_the_project_has_and_runs_as_nobody_special() -> None:
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (.+)$", DOCKERFILE, re.M)]
    extras = re.findall(r"^ARG EXTRAS=(.+)$", DOCKERFILE, re.M)[0].split(",")
    known = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    settings = re.findall(r"cp (\S+) \S+/dagster.yaml", DOCKERFILE)

    named = [name for names in copied for name in names] + settings
    assert [name for name in named if not (CHECKOUT / name).exists()] == []
    assert set(extras) <= known.keys()
    assert re.findall(r"^USER (\d+):", DOCKERFILE, re.M)[-1] != "0"


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_the_project_s_with_options_that_it_has(name: str) -> None:
    words = OURS[name]["command"]
    commands, options = [word for word in words if word[0] != "-"], [word for word in words if word[0] == "-"]

    told = help_of(*commands)
    assert [option for option in options if option.partition("=")[0] not in told] == []


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_watched_bounded_and_open_to_this_machine_alone_and_keeps_no_secret(name: str) -> None:
    service = SERVICES[name]
    secrets = [value for key, value in service["environment"].items() if re.search("PASSWORD|SECRET|KEY", key)]

    assert service["healthcheck"]["test"][0] == "CMD"
    assert re.fullmatch(r"\d+[GM]", service["deploy"]["resources"]["limits"]["memory"])
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []
    assert [value for value in secrets if value is not None and not value.startswith("${PGPASSWORD:?")] == []


def test_the_endpoint_s_health_is_asked_where_it_is_answered_and_the_ui_changes_nothing() -> None:
    (address,) = re.findall(r"http://127\.0\.0\.1:8000(\S+?)'", SERVICES["endpoint"]["healthcheck"]["test"][-1])
    assert f'@app.get("{address}")' in (CHECKOUT / "rec_assets/serving/http/app.py").read_text()
    assert "--read-only" in SERVICES["webserver"]["command"]
