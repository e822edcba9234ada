"""Which rows a rebuild writes, from values alone: what marks and weights agree about, and every doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.app import read_policy
from orchestrator.model import Registration, SlotKey, Verdict
from orchestrator.rebuilding import LEAP, Found, Origin, Plan, Remains, SlotPlan, plan
from orchestrator.seen import DeploymentSeen, EndpointSeen
from orchestrator.world import TAG_LIVE, TAG_SLOT

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BORN = NOW - timedelta(days=3)
BY = "Olga"
ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"
POLICY = read_policy(
    f"""
version: 1
environments:
  - {{name: dev, workspace: "{ID}/mlw-dev", endpoint: "{{model}}-dev"}}
  - {{name: qa, workspace: "{ID}/mlw-qa", endpoint: "{{model}}-qa"}}
models:
  - match: "titanic*"
    probe: {{request: request.json}}
""",
    {},
)
QA = SlotKey("titanic", "qa")
LIVE = DeploymentSeen("v1-7", "Succeeded", model=("titanic", "1"), slot="titanic@qa")
ORIGIN = Origin(
    registration=Registration(
        model="titanic", version="1", created_at=BORN, uri="azureml:any", workspace=f"{ID}/mlw-qa"
    ),
    digest="d" * 64,
    size=29,
    registered_at=BORN,
)


def endpoint(**changes: Any) -> EndpointSeen:
    """titanic@qa, whose marks, weights and deployments agree."""
    seen = EndpointSeen(
        name="titanic-qa",
        state="Succeeded",
        traffic={"v1-7": 100},
        tags={TAG_SLOT: "titanic@qa", TAG_LIVE: "v1-7"},
        deployments={"v1-7": LIVE},
    )
    return replace(seen, **changes)


def found(**changes: Any) -> Found:
    return replace(Found(env="qa", endpoint=endpoint(), numbers=(7,), n=7, origin=ORIGIN), **changes)


def planned(*each: Found) -> Plan:
    return plan(POLICY, each, by=BY, now=NOW)


def only(each: Found) -> SlotPlan:
    (slot,) = planned(each).slots
    return slot


def held(each: Found) -> str:
    """The reason; nothing is taken for serving then, and no promotion is made up."""
    slot = only(each)
    assert slot.change is not None
    assert slot.change.slot.serving is None
    assert slot.change.promotions == slot.change.registrations == ()
    assert slot.change.slot.hold.endswith("adopt it, then resume")
    assert slot.says.startswith("held: ")
    assert [e.what for e in slot.change.entries] == ["slot.rebuilt"]
    return slot.says


def test_what_marks_and_weights_agree_about_serves_again() -> None:
    slot = only(found())

    assert slot.claim_name
    assert slot.change is not None
    (made,) = slot.change.promotions
    assert (made.n, made.verdict, made.digest, made.size) == (7, Verdict.LIVE, "d" * 64, 29)
    serving = slot.change.slot.serving
    assert serving is not None
    assert (serving.version, serving.target_version, serving.deployment, serving.n) == ("1", "1", "v1-7", 7)
    assert slot.change.slot.hold == ""
    assert slot.change.slot.next_n == LEAP + 1


@pytest.mark.parametrize("weights", [{"v1-7": 90, "v2-8": 10}, {"v1-7": 50, "v2-8": 50}, {"v2-8": 100}])
def test_a_genuine_split_is_nobodys_to_guess(weights: dict[str, int]) -> None:
    other = DeploymentSeen("v2-8", "Succeeded", model=("titanic", "2"), slot="titanic@qa")
    seen = endpoint(traffic=weights, deployments={"v1-7": LIVE, "v2-8": other})

    said = held(found(endpoint=seen))

    for name, weight in weights.items():
        assert f"{name} {weight} %" in said
    assert "tag prod says v1-7" in said


def test_weights_without_a_live_mark_are_held() -> None:
    assert "tag prod says nothing" in held(found(endpoint=endpoint(tags={TAG_SLOT: "titanic@qa"})))


@pytest.mark.parametrize(
    ("deployments", "why"),
    [
        ({}, "v1-7 has the traffic and is gone"),
        ({"v1-7": replace(LIVE, state="Failed")}, "v1-7 has the traffic and is Failed"),
        ({"v1-7": replace(LIVE, model=None)}, "runs no registered version of titanic"),
        ({"v1-7": replace(LIVE, model=("another", "1"))}, "runs no registered version of titanic"),
    ],
)
def test_a_live_deployment_that_cannot_be_the_one_is_held(
    deployments: dict[str, DeploymentSeen], why: str
) -> None:
    assert why in held(found(endpoint=endpoint(deployments=deployments)))


@pytest.mark.parametrize("origin", [None, replace(ORIGIN, digest="")], ids=["registration", "digest"])
def test_without_registration_or_digest_it_is_held(origin: Origin | None) -> None:
    assert "v1-7 serves version 1, whose registration or digest is gone" in held(found(origin=origin))


def test_nothing_serving_is_no_doubt() -> None:
    slot = only(found(endpoint=endpoint(traffic={"v1-7": 0}), origin=None))

    assert slot.says == "nothing serves"
    assert slot.change is not None
    assert slot.change.slot.hold == ""
    assert slot.change.slot.next_n == LEAP + 1, "numbers that tags name are not given again"


@pytest.mark.parametrize("state", ["Creating", "Updating", "Deleting"])
def test_an_endpoint_in_an_operation_is_left_for_the_next_run(state: str) -> None:
    answer = planned(found(endpoint=endpoint(state=state)))

    assert answer.slots == ()
    assert answer.left == (f"qa: endpoint titanic-qa is {state}: again at rest",)
    assert answer.empty


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        ("", "it does not carry our mark"),
        ("titanic", "its mark 'titanic' names no slot"),
        ("titanic@dev", "its mark names titanic@dev, which greenlight.yaml does not have here"),
        ("other@qa", "its mark names other@qa, which greenlight.yaml does not have here"),
        ("titanic-2@qa", "its mark names titanic-2@qa, whose endpoint is titanic-2-qa by greenlight.yaml"),
    ],
)
def test_a_foreign_mark_is_left_alone_and_named(mark: str, why: str) -> None:
    answer = planned(found(endpoint=endpoint(tags={TAG_SLOT: mark, TAG_LIVE: "v1-7"})))

    assert answer.slots == ()
    assert answer.left == (f"qa: endpoint titanic-qa: {why}",)


def test_a_name_that_another_slot_owns_is_left_alone() -> None:
    answer = planned(found(owner="titanic_@qa"))

    assert answer.slots == ()
    assert answer.left == ("qa: endpoint titanic-qa belongs to titanic_@qa by its row",)


def test_a_row_that_exists_is_left_and_only_the_name_is_claimed() -> None:
    slot = only(found(remains=Remains(exists=True)))

    assert (slot.change, slot.claim_name) == (None, True)
    assert planned(found(remains=Remains(exists=True), owner="titanic@qa")).empty


def test_what_the_slot_made_besides_is_an_orphan_and_what_others_made_is_not() -> None:
    ours = DeploymentSeen("v2-8", "Failed", model=("titanic", "2"), slot="titanic@qa")
    theirs = DeploymentSeen("hers", "Succeeded", model=("titanic", "2"))
    seen = endpoint(deployments={"v1-7": LIVE, "v2-8": ours, "hers": theirs})

    slot = only(found(endpoint=seen))

    assert slot.change is not None
    assert slot.change.slot.orphans == ("v2-8",)


def test_numbers_go_on_at_the_next_thousand_after_any_that_is_known() -> None:
    for known, expected in ((0, LEAP + 1), (999, LEAP + 1), (1000, 2 * LEAP + 1), (1001, 2 * LEAP + 1)):
        slot = only(found(n=0, numbers=(known,)))
        assert slot.change is not None
        assert slot.change.slot.next_n == expected


def test_registrations_are_looked_at_since_the_oldest_that_serves_at_the_source() -> None:
    at_source = replace(
        found(),
        env="dev",
        endpoint=endpoint(name="titanic-dev", tags={TAG_SLOT: "titanic@dev", TAG_LIVE: "v1-7"}),
    )

    assert planned(at_source, found()).since == BORN
    assert planned(found()).since == NOW, "what serves later says nothing about the source"
