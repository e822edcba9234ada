"""The files that Azure ML reads agree with the code, with each other and with the laptop."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from ml.src.titanic.train import KINDS, Recipe
from ml.variants import VARIANTS

STEPS = ("prep", "train", "evaluate", "register")


def _component(step: str) -> dict[str, Any]:
    return yaml.safe_load(Path(f"ml/components/{step}/component.yml").read_text())


def _pipeline() -> dict[str, Any]:
    return yaml.safe_load(Path("ml/pipeline.yml").read_text())


def test_the_jobs_install_what_the_laptop_has() -> None:
    conda = yaml.safe_load(Path("ml/environment/conda.yml").read_text())
    pinned = {line.split(" ;")[0].strip() for line in Path("constraints.txt").read_text().splitlines()}

    python, *_, pip = conda["dependencies"]
    assert python == "python=3.11"
    assert set(pip["pip"]) <= pinned


def test_the_best_recipe_is_the_default_everywhere() -> None:
    recipe = asdict(Recipe())
    inputs = _pipeline()["inputs"]
    train = _component("train")["inputs"]

    assert {name: inputs[name] for name in recipe} == recipe
    assert {name: train[name]["default"] for name in recipe} == recipe
    assert VARIANTS["best"] == Recipe()
    assert tuple(train["kind"]["enum"]) == KINDS


@pytest.mark.parametrize("step", STEPS)
def test_every_input_and_output_of_a_step_is_used_and_given(step: str) -> None:
    component, node = _component(step), _pipeline()["jobs"][step]
    named = set(re.findall(r"\$\{\{(inputs|outputs)\.(\w+)\}\}", component["command"]))

    assert named == {(side, name) for side in ("inputs", "outputs") for name in component[side]}
    assert set(node["inputs"]) == set(component["inputs"])


@pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")  # azure-ai-ml's schemas
def test_the_sdk_accepts_the_pipeline() -> None:
    from azure.ai.ml import load_job
    from azure.ai.ml.entities import PipelineJob

    job = load_job("ml/pipeline.yml")

    assert isinstance(job, PipelineJob)
    assert list(job.jobs) == list(STEPS)
