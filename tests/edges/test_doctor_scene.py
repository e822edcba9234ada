"""Where doctor begins, who asks, and how it reads ARM: over an ARM that answers from a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from orchestrator.app import ROOT, Ports
from orchestrator.doctor import beginning, look_azure
from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from orchestrator.doctor.rights import Caller
from orchestrator.doctor.scene import Scene
from orchestrator.policy import Policy
from shared.errors import Forbidden, NotFound, Unavailable
from shared.ports import Answer
from shared.rights import SOURCE, TARGET, Granted
from shared.settings import TABLE

ARM = "https://management.azure.com"
OID, OTHER = "44444444-0000-4000-8000-000000000001", "44444444-0000-4000-8000-000000000009"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions"
DEV, QA = (
    f"/subscriptions/00000000-0000-4000-8000-00000000000{n}/resourceGroups/rg"
    f"/providers/Microsoft.MachineLearningServices/workspaces/mlw-{n}"
    for n in (1, 2)
)
GIVEN = {
    "GREENLIGHT_DEV_WORKSPACE": DEV,
    "GREENLIGHT_QA_WORKSPACE": QA,
    "GREENLIGHT_APPROVER_1": f"{OID}/{OID}",
    "GREENLIGHT_APPROVER_2": f"{OID}/{OTHER}",
    "GREENLIGHT_OPERATORS_GROUP": OID,
    "GREENLIGHT_BRIDGE_KEY": "",
}


class Arm:
    """Answers by path; what it does not know is 404. Keeps whom a token was sent to."""

    def __init__(self, answers: Mapping[str, tuple[int, object]]) -> None:
        self._answers = answers
        self.signed: set[str] = set()

    def __call__(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        if scope:
            self.signed.add(url.split("/")[2])
        status, told = self._answers.get(url.partition("?")[0].removeprefix(ARM), (404, {}))
        return Answer(status, json.dumps(told).encode(), {}, 0.0)


def policy() -> Policy:
    found = beginning.policy(ROOT, "greenlight.yaml", GIVEN)
    assert isinstance(found, Policy)
    return found


def scene(arm: Arm, caller: Caller | Unseen, principal: str = "") -> Scene:
    return Scene(
        settings=beginning.settings({}, Names()).settings,
        policy=policy(),
        ports=cast("Ports", None),  # nothing but ARM is asked here
        ask=arm,
        caller=caller,
        names=Names(),
        variables=GIVEN,
        principal=principal,
    )


def caller(oid: str = OID, *, managed: bool = False) -> Caller:
    return Caller(oid=oid, tenant="t", name="ana@x.test", managed=managed)


def role(*actions: str) -> dict[str, Any]:
    return {"properties": {"permissions": [{"actions": actions, "dataActions": ["x/read"]}]}}


def assignment(definition: str) -> dict[str, Any]:
    return {"properties": {"roleDefinitionId": f"{ROLE}/{definition}"}}


def test_with_no_setting_at_all_every_one_that_is_needed_is_named() -> None:
    read = beginning.settings({}, Names(group="rg", app="app"))

    needed = {s.name for s in TABLE if s.default is None}
    assert {f.where for f in read.findings} == read.broken == needed
    assert {f.code for f in read.findings} == {Code.SETTING}
    assert all(f"--settings '{f.where}=VALUE'" in f.mend for f in read.findings)


def test_what_the_app_does_without_is_told_and_the_key_that_is_left_still_works() -> None:
    keys = "a-key-that-is-long-enough,short"
    read = beginning.settings({"GREENLIGHT_LINK_KEYS": keys, "GREENLIGHT_TEAMS_WEBHOOK": "teams"}, Names())

    assert "GREENLIGHT_LINK_KEYS" not in read.broken
    assert "GREENLIGHT_TEAMS_WEBHOOK" in read.broken
    assert read.settings.link_keys == ("a-key-that-is-long-enough",)
    assert any(f.wrong.startswith("GREENLIGHT_LINK_KEYS, key 2 of 2") for f in read.findings)


@pytest.mark.parametrize(
    ("file", "given"), [("no.yaml", GIVEN), ("greenlight.yaml", {}), ("host.json", GIVEN)]
)
def test_a_pipeline_file_that_cannot_be_used(file: str, given: dict[str, str]) -> None:
    found = beginning.policy(ROOT, file, given)

    assert isinstance(found, Finding)
    assert found.code is Code.POLICY


@pytest.mark.parametrize(
    ("variables", "app"),
    [
        ({"WEBSITE_SITE_NAME": "a", "functionApp": "b"}, "a"),
        ({"functionApp": "b"}, "b"),
        ({"GREENLIGHT_BASE_URL": "https://greenlight-1.azurewebsites.net"}, "greenlight-1"),
        ({"GREENLIGHT_BASE_URL": "https://models.example.com"}, "$functionApp"),
        ({}, "$functionApp"),
    ],
)
def test_names_are_filled_in_where_they_are_known(variables: dict[str, str], app: str) -> None:
    assert beginning.names_of(variables, "").app == app


def test_who_is_the_app() -> None:
    arm = Arm({})

    assert scene(arm, caller(managed=True)).as_app
    assert scene(arm, caller(), OID).as_app
    assert not scene(arm, caller()).as_app
    assert not scene(arm, caller(managed=True), OTHER).as_app
    assert not scene(arm, Unseen("no token")).as_app


def test_roles_are_read_page_after_page_and_summed_up() -> None:
    place = f"{DEV}/providers/Microsoft.Authorization/roleAssignments"
    arm = Arm(
        {
            place: (200, {"value": [assignment("a")], "nextLink": f"{ARM}/more?$skiptoken=x"}),
            "/more": (200, {"value": [assignment("b"), assignment("a")]}),
            f"{ROLE}/a": (200, role("read")),
            f"{ROLE}/b": (200, role("write")),
        }
    )

    assert scene(arm, caller()).assigned(DEV, OTHER) == (
        Granted(("read",), (), ("x/read",)),
        Granted(("write",), (), ("x/read",)),
    )


def test_a_token_goes_to_arm_and_nowhere_else() -> None:
    place = f"{DEV}/providers/Microsoft.Authorization/roleAssignments"
    arm = Arm({place: (200, {"value": [], "nextLink": "https://management.azure.com.evil.test/more"})})

    assert scene(arm, caller()).assigned(DEV, OTHER) == ()
    assert arm.signed == {"management.azure.com"}


@pytest.mark.parametrize(
    ("status", "error"), [(403, Forbidden), (404, NotFound), (503, Unavailable), (202, Unavailable)]
)
def test_a_refusal_is_one_of_ours(status: int, error: type[Exception]) -> None:
    arm = Arm({"/x": (status, {"error": {"code": "Why", "message": "because"}})})

    with pytest.raises(error, match="could not read it"):
        scene(arm, caller()).arm_read("read it", "/x", "1")


def looked(arm: Arm, who: Caller | Unseen, principal: str = "") -> list[Finding]:
    it = scene(arm, who, principal)
    it.kept.update({"dev": (200, {}), "qa": (200, {})})
    return list(look_azure.state_roles(it)) + [
        f for f in [*_roles(it, 0), *_roles(it, 1)] if f.code is not Code.DATA_RIGHTS
    ]


def _roles(it: Scene, at: int) -> list[Finding]:
    from dataclasses import replace

    class Place:
        """A workspace, as far as it is asked."""

        def __init__(self, of: Any, _registry: None) -> None:
            self.id = of

    ports = cast("Ports", type("P", (), {"workspaces": staticmethod(Place)}))
    return list(look_azure.roles(replace(it, ports=ports), it.environments[at]))


def test_the_rights_of_a_person_say_nothing_of_the_app() -> None:
    (dev, qa) = looked(Arm({}), caller())

    assert (dev.code, qa.code) == (Code.NOT_KNOWN, Code.NOT_KNOWN)
    assert dev.wrong == f"these are the rights of ana@x.test ({OID}); say whose are wanted"
    assert dev.mend == "greenlight doctor --principal $identityPrincipalId"


def test_the_roles_of_the_named_identity_are_compared_with_the_list() -> None:
    below = "providers/Microsoft.Authorization/roleAssignments"
    everything: dict[str, tuple[int, object]] = {
        f"{place}/{below}": (200, {"value": [assignment(name)]})
        for place, name in ((DEV, "source"), (QA, "source"), (DEV.split("/resource")[0], "q"))
    }
    everything |= {f"{QA.split('/resource')[0]}/{below}": (200, {"value": []})}
    everything |= {f"{ROLE}/source": (200, role(*SOURCE)), f"{ROLE}/q": (200, role("*"))}
    storage = (200, {"value": []})
    for place in (DEV, QA):
        group = place.split("/resource")[0]
        everything[f"{group}/providers/Microsoft.Storage/storageAccounts"] = storage
        for scope in ("", "/blobServices/default/containers/greenlight-frozen"):
            everything[f"{scope}/{below}"] = storage

    found = looked(Arm(everything), caller(OID), OTHER)

    (account, rights, region) = found
    assert account.code is Code.NOT_KNOWN
    assert (rights.code, rights.where, region.code, region.where) == (
        *(Code.RIGHTS, "qa"),
        *(Code.REGION_RIGHTS, "qa"),
    )
    assert all(action in rights.wrong for action in set(TARGET) - set(SOURCE))
