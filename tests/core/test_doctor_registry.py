"""What doctor says of a registry that is the source, and which command it prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.doctor import registry, workspaces
from orchestrator.doctor.finding import Code, Names
from orchestrator.doctor.registry import RegistrySeen
from orchestrator.doctor.tried import WELL, Fault, Tried
from orchestrator.doctor.workspaces import WorkspaceSeen
from shared.registry_id import RegistryId
from shared.rights import REGISTRY, Granted

PLACE = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-models"
    "/providers/Microsoft.MachineLearningServices/registries/mlr-models"
)
WELL_SEEN = RegistrySeen(registry=RegistryId("mlr-models"), lookup=WELL, arm_id=PLACE)
MISSING, FORBIDDEN, DOWN = (Tried(f, f"because {f}") for f in (Fault.MISSING, Fault.FORBIDDEN, Fault.OTHER))


def said(**facts: object) -> list[Code]:
    return [f.code for f in registry.judge(replace(WELL_SEEN, **facts), Names())]  # type: ignore[arg-type]


def test_one_that_is_looked_up_listed_and_read_is_well() -> None:
    assert said() == []
    assert said(granted=(Granted(("Microsoft.MachineLearningServices/registries/*/read",)),)) == []


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({"lookup": MISSING, "arm_id": ""}, [Code.REGISTRY_MISSING]),
        ({"lookup": FORBIDDEN, "arm_id": ""}, [Code.REGISTRY_RIGHTS]),
        ({"lookup": DOWN, "arm_id": ""}, [Code.NOT_KNOWN]),
        ({"elsewhere": "evil.example", "hosts": ("api.azureml.ms",)}, [Code.REGISTRY_HOST]),
        ({"listing": FORBIDDEN}, [Code.REGISTRY_RIGHTS]),
        ({"listing": FORBIDDEN, "as_app": False}, [Code.NOT_KNOWN]),
        ({"listing": DOWN}, [Code.NOT_KNOWN]),
        ({"reference": FORBIDDEN}, [Code.REGISTRY_FILES]),
        ({"reference": MISSING}, [Code.REGISTRY_FILES]),
        ({"granted": (), "principal": "p", "as_app": False}, [Code.REGISTRY_RIGHTS]),
        ({"granted": (Granted(REGISTRY[:1]),), "principal": "p", "as_app": False}, [Code.REGISTRY_RIGHTS]),
        (
            {"granted": (Granted(REGISTRY),), "listing": FORBIDDEN, "as_app": False},
            [],
        ),
    ],
)
def test_each_thing_that_is_wrong_is_named(facts: dict[str, object], codes: list[Code]) -> None:
    assert said(**facts) == codes


def test_the_commands_name_the_place() -> None:
    seen = replace(WELL_SEEN, lookup=MISSING, setting="GREENLIGHT_REGISTRY")
    (gone,) = registry.judge(seen, Names(group="rg", app="app"))
    (lacking,) = registry.judge(replace(WELL_SEEN, granted=(), principal="p"), Names())
    (host,) = registry.judge(replace(WELL_SEEN, elsewhere="cert.ml.azure.us", hosts=("a.b",)), Names())

    assert "az resource list --resource-type Microsoft.MachineLearningServices/registries" in gone.mend
    assert "--settings 'GREENLIGHT_REGISTRY=azureml://registries/NAME'" in gone.mend
    assert f"export GREENLIGHT_REGISTRY_ID={PLACE}\n" in lacking.mend
    assert f'--role "$(az role definition list --scope {PLACE.partition("/providers/")[0]}' in lacking.mend
    assert "starts_with(roleName, 'Greenlight registry')" in lacking.mend
    assert all(action in lacking.wrong for action in REGISTRY)
    assert "'GREENLIGHT_REGISTRY_HOSTS=a.b,ml.azure.us'" in host.mend


def test_a_registry_in_place_of_a_workspace_is_told_where_it_belongs() -> None:
    (finding,) = workspaces.judge(WorkspaceSeen(env="dev", id="azureml://registries/mlr-models"), Names())

    assert finding.code is Code.WORKSPACE_ID
    assert "write it as `source:` of the first environment" in finding.wrong
