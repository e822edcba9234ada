"""What the documentation takes from the code, it has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs.reference import PAGE, ROOT, main, settings_page
from local import appsettings
from local.config import LocalConfig
from shared.settings import TABLE

NAME = re.compile(r"GREENLIGHT_[A-Za-z0-9_]*[A-Za-z0-9]")


@pytest.fixture
def schema(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["schema"]) == 0
    return json.loads(capsys.readouterr().out)


def examples() -> list[str]:
    """The pipelines that people copy."""
    shown = (ROOT / "docs" / "policy.md").read_text()
    return [(ROOT / "greenlight.yaml").read_text(), *re.findall(r"```yaml\n(.*?)```", shown, re.DOTALL)]


def test_the_settings_page_is_what_the_table_makes() -> None:
    assert PAGE.read_text() == settings_page(), "run: python -m docs.reference write"


def test_every_variable_of_the_product_is_on_the_settings_page() -> None:
    files = [
        ROOT / "function_app.py",
        ROOT / "greenlight.yaml",
        *(p for folder in ("orchestrator", "shared") for p in (ROOT / folder).rglob("*.py")),
    ]
    page = PAGE.read_text()

    used = {name for path in files for name in NAME.findall(path.read_text())}
    prefixes = {"GREENLIGHT_STORAGE"}  # a connection: the triggers name it, its settings add to it

    assert {name for name in used - prefixes if f"`{name}`" not in page} == set()


def test_every_setting_of_the_local_cloud_is_on_the_settings_page(tmp_path: Path) -> None:
    page = PAGE.read_text()
    given = appsettings.settings(LocalConfig(home=tmp_path))
    told = {name for name in given if f"`{name}`" in page or name.startswith("AzureWebJobsStorage__")}

    assert set(given) - told - {"IDENTITY_HEADER"} == set()
    assert {s.name for s in TABLE if s.default is None} <= set(given)


def test_the_schema_accepts_the_pipelines_that_are_shown(schema: dict[str, Any]) -> None:
    found = [yaml.safe_load(text) for text in examples()]

    assert len(found) >= 2
    for pipeline in found:
        jsonschema.validate(pipeline, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("environments", 1, "approval", "expires"), "P7D"),
        (("environments", 1, "approvals"), {}),
        (("models", 0, "gates", "dev", 0, "minimum"), 0.5),
        (("version",), 2),
    ],
)
def test_the_schema_refuses_what_the_product_refuses(
    schema: dict[str, Any], where: tuple[str | int, ...], value: object
) -> None:
    pipeline = yaml.safe_load(examples()[0])
    at = pipeline
    for step in where[:-1]:
        at = at[step]
    at[where[-1]] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(pipeline, schema, jsonschema.Draft202012Validator)
