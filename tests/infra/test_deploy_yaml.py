"""What docs/deploy.md has people put into greenlight.yaml is read, with the parameter files' settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.app import read_policy
from orchestrator.policy import Policy
from shared.errors import Invalid
from tests.infra.test_evaluated import installed

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
MODELS = next(block for block in BLOCKS if block.startswith("models:"))
PROD = next(block for block in BLOCKS if block.startswith("  - name: prod"))
PIPELINE = (ROOT / "greenlight.yaml").read_text()
PEOPLE = {
    "GREENLIGHT_APPROVER_1": "11111111-1111-4111-8111-111111111111/33333333-0000-4000-8000-000000000002",
    "GREENLIGHT_APPROVER_2": "11111111-1111-4111-8111-111111111111/33333333-0000-4000-8000-000000000003",
    "GREENLIGHT_OPERATORS_GROUP": "22222222-0000-4000-8000-000000000001",
}


def deployed(text: str, parameters: str) -> Policy:
    """As the app reads it: Azure hands over no setting that is empty."""
    settings = installed(parameters, PEOPLE).settings
    return read_policy(text, {name: value for name, value in settings.items() if value})


def test_the_pipeline_as_it_is() -> None:
    assert deployed(PIPELINE, "dev-qa").environments == ("dev", "qa")


def test_models_of_ones_own() -> None:
    head = PIPELINE[: PIPELINE.index("\nmodels:")]
    policy = deployed(f"{head}\n{MODELS}", "dev-qa")

    assert (policy.covers("churn-gbm"), policy.covers("titanic")) == (True, False)


def test_a_third_environment() -> None:
    before, channels = PIPELINE.split("\nchannels:")
    policy = deployed(f"{before}\n{PROD}\nchannels:{channels}", "dev-qa-prod")

    assert policy.environments == ("dev", "qa", "prod")
    prod = policy.slot("titanic", "prod")
    assert prod is not None
    assert prod.env.workspace.endswith("/mlw-prod")
    assert prod.env.approval is not None


def test_the_smaller_parameter_file_is_not_enough_for_it() -> None:
    before, channels = PIPELINE.split("\nchannels:")

    with pytest.raises(Invalid, match="GREENLIGHT_PROD_WORKSPACE"):
        deployed(f"{before}\n{PROD}\nchannels:{channels}", "dev-qa")
