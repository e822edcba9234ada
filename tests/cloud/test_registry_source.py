"""A model that is shared to a registry: found without an event, deployed from there, copied to qa, served.

The whole local cloud, with the app's identity held to its roles; the app is told of the registry as in Azure,
by a setting that greenlight.yaml names.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from local import faults
from local.config import REGISTRY
from local.identity import DEPLOYER_CLIENT
from orchestrator import doctor_cli
from orchestrator.model import SlotKey
from orchestrator.sources import Sources
from shared.azureml import new_client
from shared.registry_id import RegistryId
from tests.cloud.doctoring import AS_DEPLOYER, codes
from tests.cloud.killing import HOST
from tests.cloud.ready_models import AUTHOR, TRAINED, Person
from tests.cloud.story import Story
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

MODEL, IN_WORKSPACE, IN_REGISTRY = "titanic-shared", "1", "41"
FOR_DOCTOR = "titanic-only-there"
SETTING, SECONDS = "GREENLIGHT_REGISTRY", 180.0


@contextmanager
def sourced(cloud: Cloud) -> Iterator[None]:
    """While it lasts, the app takes its models from the registry."""
    try:
        cloud.restart(HOST, {SETTING: REGISTRY.uri})
        yield
    finally:
        cloud.restart(HOST, {SETTING: ""})


def listed_from(inside: Inside) -> str:
    mark = Sources(inside.ports.store).watermark("dev")
    return mark.origin if mark else ""


def share(inside: Inside, model: str, version: str, name: str = MODEL) -> None:
    """The author shares a version of the workspace under a number that it has only in the registry."""
    workspace = inside.workspace("dev").id
    client = new_client(workspace, inside.app.settings.cloud, Person(inside.config, AUTHOR))
    client.models.share(
        model, version, share_with_name=name, share_with_version=IN_REGISTRY, registry_name=REGISTRY.name
    )


def test_a_model_that_is_shared_goes_through_both_environments(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels
) -> None:
    story = Story(inside, ready_models, MODEL)
    with sourced(cloud), story.talking():
        digest = ready_models.register(MODEL, IN_WORKSPACE)
        eventually(lambda: listed_from(inside) == REGISTRY.uri, SECONDS, "the registry's day one")
        share(inside, MODEL, IN_WORKSPACE)
        story.see(lambda: story.serves("dev", IN_REGISTRY), "live in dev")
        story.vote_through_the_api(IN_REGISTRY)
        story.see(lambda: story.serves("qa", IN_REGISTRY), "live in qa")

    ledger = inside.app.ledger
    ended = {env: ledger.promotion(SlotKey(MODEL, env), 1) for env in ("dev", "qa")}
    assert {env: p.digest for env, p in ended.items() if p} == {"dev": digest, "qa": digest}
    assert all(ledger.promotion(SlotKey(MODEL, env), 2) is None for env in ended), "nothing of the workspace"
    there = inside.ports.workspaces(inside.workspace("dev").id, RegistryId(REGISTRY.name))
    (deployed,) = there.deployments(f"{MODEL}-dev")
    assert deployed.model == (MODEL, IN_REGISTRY)
    assert [d.model for d in inside.workspace("dev").deployments(f"{MODEL}-dev")] == [None]


# ---- doctor


@pytest.fixture
def asked(
    inside: Inside, ready_models: ReadyModels, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """The command in this process, which has the settings of the app and its identity.

    Something that greenlight.yaml names is in the registry, and in no workspace under that name.
    """
    there = inside.ports.workspaces(inside.workspace("dev").id, RegistryId(REGISTRY.name))
    if there.model(FOR_DOCTOR, IN_REGISTRY) is None:
        trained = int(inside.workspace("dev").next_version(TRAINED)) - 1
        share(inside, TRAINED, str(trained), FOR_DOCTOR)

    def ask(*arguments: str, **changed: str) -> Any:
        checks = ("--json", "--only", "registry", "--only", "copies")
        settings = {**os.environ, SETTING: REGISTRY.uri, **changed}
        doctor_cli.main([*checks, *arguments], settings)
        return json.loads(capsys.readouterr().out)

    return ask


def test_doctor_finds_it_listed_and_its_files_opened(asked: Callable[..., Any]) -> None:
    told = asked()

    assert told["well"], told["findings"]
    assert [c["check"] for c in told["checks"]] == ["registry", "copies"]


@pytest.mark.parametrize(
    ("rule", "named", "code"),
    [
        ({}, "azureml://registries/never-was", "registry_missing"),
        ({"method": "GET", "path": "*/registries/*/models"}, REGISTRY.uri, "registry_rights"),
        ({"method": "POST", "path": "*/datarefs/*"}, REGISTRY.uri, "registry_files"),
    ],
)
def test_doctor_names_what_is_wrong(
    asked: Callable[..., Any], inside: Inside, rule: dict[str, str], named: str, code: str
) -> None:
    if rule:
        faults.add(inside.config, {"on": "arm", "status": 403, "times": 5, **rule})
    try:
        told = asked(**{SETTING: named})
    finally:
        faults.clear(inside.config)

    assert codes(told) == [code]
    assert all(f["mend"] for f in told["findings"])


def test_doctor_as_the_deployer_misses_the_role(
    asked: Callable[..., Any], inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", DEPLOYER_CLIENT)
    faults.add(inside.config, {"on": "role", "role": "Greenlight registry", "times": 5})
    try:
        told = asked(*AS_DEPLOYER[1:])
    finally:
        faults.clear(inside.config)

    assert codes(told) == ["registry_rights"]
    assert f"export GREENLIGHT_REGISTRY_ID={REGISTRY.id}" in "\n".join(told["findings"][0]["mend"])
