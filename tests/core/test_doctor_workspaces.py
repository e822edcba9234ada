"""A workspace's id with a typo is told by the part that is wrong; and what roles lack."""

from __future__ import annotations

import pytest

from orchestrator.doctor import rights, workspaces
from orchestrator.doctor.finding import Code, Names, Unseen
from orchestrator.doctor.rights import Caller, DataRightsSeen, RightsSeen
from orchestrator.doctor.workspaces import WorkspaceSeen
from shared.arm_id import WorkspaceId
from shared.errors import Invalid
from shared.rights import SOURCE, TARGET, Granted

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
ML = "Microsoft.MachineLearningServices"
ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-qa/providers/{ML}/workspaces/mlw-qa"
OID = "44444444-0000-4000-8000-000000000001"


@pytest.mark.parametrize("wrong", [ID.replace("resourceGroups", "resourceGroup"), "mlw-qa", "", f"{ID}/x"])
def test_an_id_with_a_typo_is_named_by_the_part_that_is_wrong(wrong: str) -> None:
    (finding,) = workspaces.judge(WorkspaceSeen(env="qa", id=wrong, similar=(ID,)), Names())

    assert finding.code is Code.WORKSPACE_ID
    with pytest.raises(Invalid, match=r"segment|ends before|may follow") as told:
        WorkspaceId.parse(wrong)
    assert str(told.value) in finding.wrong


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("SubscriptionNotFound", f"the subscription {SUBSCRIPTION} does not exist"),
        ("ResourceGroupNotFound", "the resource group rg-qa does not exist"),
        ("ResourceNotFound", "the workspace mlw-qa does not exist"),
        ("", "the workspace mlw-qa does not exist"),
    ],
)
def test_what_does_not_exist_is_named(code: str, told: str) -> None:
    (finding,) = workspaces.judge(WorkspaceSeen(env="qa", id=ID, status=404, code=code), Names())

    assert finding.code is Code.WORKSPACE_MISSING
    assert told in finding.wrong
    assert "az resource list" in finding.mend


def test_the_one_that_was_meant_is_put_into_its_setting() -> None:
    wrong = ID.replace("mlw-qa", "mlw-aq")
    seen = WorkspaceSeen(
        env="qa",
        id=wrong,
        setting="GREENLIGHT_QA_WORKSPACE",
        status=404,
        similar=(ID, ID.replace("qa", "production")),
    )
    (finding,) = workspaces.judge(seen, Names(group="rg-greenlight", app="greenlight-1"))

    assert f"did you mean {ID}?" in finding.wrong
    assert finding.mend == (
        "az functionapp config appsettings set --resource-group rg-greenlight --name greenlight-1 "
        f"--settings 'GREENLIGHT_QA_WORKSPACE={ID}' --output none"
    )


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (200, []),
        (401, [Code.WORKSPACE_FORBIDDEN]),
        (403, [Code.WORKSPACE_FORBIDDEN]),
        (429, [Code.NOT_KNOWN]),
        (503, [Code.NOT_KNOWN]),
    ],
)
def test_what_arm_may_answer(status: int, codes: list[Code]) -> None:
    seen = WorkspaceSeen(env="qa", id=ID, status=status)

    assert [f.code for f in workspaces.judge(seen, Names())] == codes


def granted(*actions: str) -> RightsSeen:
    return RightsSeen(env="qa", workspace=ID, first=False, granted=(Granted(actions),), principal=OID)


@pytest.mark.parametrize("lacking", TARGET)
def test_each_action_that_a_role_lacks_is_named(lacking: str) -> None:
    (finding,) = rights.judge(granted(*(a for a in TARGET if a != lacking)), Names())

    assert finding.code is Code.RIGHTS
    assert lacking in finding.wrong
    assert f"--assignee-object-id {OID}" in finding.mend
    assert f"--scope {ID}" in finding.mend


def test_roles_that_are_enough_and_roles_that_nobody_could_read() -> None:
    source = RightsSeen(env="dev", workspace=ID, first=True, granted=(Granted(SOURCE),), principal=OID)
    unknown = RightsSeen(env="qa", workspace=ID, first=False, granted=Unseen("who asks?"), principal="")

    assert list(rights.judge(granted(*TARGET), Names())) == []
    assert list(rights.judge(granted("*"), Names())) == []
    assert list(rights.judge(source, Names())) == []
    assert [f.code for f in rights.judge(unknown, Names())] == [Code.NOT_KNOWN]


def test_data_actions_are_looked_for_among_both_kinds() -> None:
    def seen(*roles: Granted, unseen: Unseen | None = None) -> list[Code]:
        facts = DataRightsSeen(
            where="qa",
            scope="/s",
            role="Reader",
            wanted=("a/sign/action", "a/blobs/read"),
            granted=unseen or roles,
            principal=OID,
        )
        return [f.code for f in rights.judge_data(facts, Names())]

    assert seen(Granted(("a/sign/action",), (), ("a/blobs/read",))) == []
    assert seen(Granted(("a/sign/action",)), Granted((), (), ("a/blobs/*",))) == []
    assert seen(Granted(("a/sign/action",), (), ("a/blobs/*",), ("a/blobs/read",))) == [Code.DATA_RIGHTS]
    assert seen() == [Code.DATA_RIGHTS]
    assert seen(unseen=Unseen("the roles cannot be read")) == [Code.NOT_KNOWN]


def test_who_asks_is_read_from_the_token() -> None:
    app = Caller.of({"oid": OID, "tid": "T", "appid": "app", "xms_mirid": "/x"})
    person = Caller.of({"oid": OID, "tid": "other", "upn": "ana@x.test"})

    assert (app.managed, app.tenant, str(app)) == (True, "t", f"app ({OID})")
    assert not person.managed
    assert list(rights.judge_caller(app, "t", Names())) == []
    assert [f.code for f in rights.judge_caller(person, "t", Names())] == [Code.OTHER_TENANT]
