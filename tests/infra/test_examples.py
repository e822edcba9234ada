"""docs/deploy.md, azure.yaml and the pipelines: what they call is there, and none holds a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.infra import values
from tests.infra.check import INFRA

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
PIPELINES = sorted((INFRA / "pipelines").glob("*.yml"))
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line and not line.startswith("#")
]


def text_of(path: Path) -> str:
    return path.read_text()


@pytest.mark.parametrize("line", LINES)
def test_every_command_says_how_it_was_proven(line: str) -> None:
    command, _, proof = line.rpartition("#")

    assert proof.strip() in {"[local]", "[script]", "[Azure]"}
    if re.match(r'(eval "\$\()?sh infra/hooks/(?!smoke)', command):
        assert proof.strip() == "[script]"  # tests/infra/test_scripts.py
    if re.match(r"(az|azd) ", command):
        assert proof.strip() == "[Azure]"


def test_scripts_templates_and_files_that_are_named_are_there() -> None:
    places = [PAGE, *map(text_of, PIPELINES), *map(text_of, (INFRA / "hooks").glob("*.sh"))]
    places.append((ROOT / "azure.yaml").read_text())
    named = {path for text in places for path in re.findall(r"\binfra/[\w./-]+\w", text)}

    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_script_is_used() -> None:
    places = PAGE + (ROOT / "azure.yaml").read_text()

    assert {p.name for p in (INFRA / "hooks").iterdir() if p.name not in places} == set()


def test_azd_deploys_the_app_that_carries_its_service() -> None:
    project = yaml.safe_load((ROOT / "azure.yaml").read_text())
    (service,) = project["services"]

    assert f"'azd-service-name': '{service}'" in (INFRA / "modules" / "app.bicep").read_text()
    assert (INFRA / f"{project['infra']['module']}.bicepparam").exists()


@pytest.mark.parametrize("path", PIPELINES, ids=lambda p: p.stem)
def test_a_pipeline_is_yaml_and_holds_no_secret(path: Path) -> None:
    text = path.read_text()

    assert yaml.safe_load(text)
    assert (
        re.findall(r"secrets\.|password|connectionString|AccountKey|clientSecret", text, re.IGNORECASE) == []
    )


@pytest.mark.parametrize("name", ["dev-qa", "dev-qa-prod"])
def test_pipelines_give_every_variable_that_the_parameters_ask_for(name: str) -> None:
    """Azure Pipelines hands a job each variable of its group; GitHub, those that are named."""
    parameters = (INFRA / f"{name}.bicepparam").read_text()
    must = set(re.findall(r"readEnvironmentVariable\('(\w+)'\)", parameters))
    read = set(re.findall(r"readEnvironmentVariable\('(\w+)'", parameters))
    looked_up = set(re.findall(r"storage_of (\w+)", (INFRA / "hooks" / "before.sh").read_text()))

    given = yaml.safe_load((INFRA / "pipelines" / "github-actions-deploy.yml").read_text())
    env = given["jobs"]["deploy"]["env"]
    assert read - looked_up - {"AZURE_ENV_NAME"} <= set(env)
    assert must - looked_up <= set(re.findall(r"GREENLIGHT_\w+", PAGE))


def test_a_variable_that_is_not_there_is_not_empty_where_the_parameters_have_a_default() -> None:
    """GitHub makes an empty text of what nobody set, and readEnvironmentVariable takes that for a value."""
    parameters = (INFRA / "dev-qa-prod.bicepparam").read_text()
    defaults = dict(re.findall(r"readEnvironmentVariable\('(\w+)', '([^']+)'\)", parameters))
    env = yaml.safe_load((INFRA / "pipelines" / "github-actions-deploy.yml").read_text())["jobs"]["deploy"][
        "env"
    ]

    given = {name: env[name] for name in defaults if name in env}
    harmless = ("GREENLIGHT_TEAMS", "AZURE_PRINCIPAL_TYPE")  # compared with one word; always given
    assert {n for n in given if f"|| '{defaults[n]}'" not in given[n]} <= set(harmless)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda p: p.stem)
def test_a_pipeline_calls_what_is_there(path: Path) -> None:
    text = path.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    modules = re.findall(r"python -m ([\w.]+)", text)
    workflows = re.findall(r"uses: \./\.github/workflows/greenlight-(\w+)\.yml", text)

    assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets
    assert [m for m in modules if not (ROOT / f"{m.replace('.', '/')}.py").exists()] == []
    assert [w for w in workflows if not (path.parent / f"github-actions-{w}.yml").exists()] == []


def test_platform_settings_are_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    given = values.pairs(values.template("modules/app.bicep"), "platformSettings")

    assert {n for n in given if f"`{n}`" not in page and not n.startswith("AzureWebJobsStorage__")} == set()
