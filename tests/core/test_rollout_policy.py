"""`rollout:` in greenlight.yaml: what it means in steps, and what is refused, with its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.plan import RolloutStep
from orchestrator.policy import PolicyError, load
from orchestrator.rollout_policy import RolloutPolicy, plan_of, plans, rollout

MINUTE = timedelta(minutes=1)
CANARY = {"strategy": "canary", "steps": [10, 50, 100]}


def policy(**said: Any) -> RolloutPolicy:
    return RolloutPolicy.model_validate(said)


def test_blue_green_is_one_write_and_unwatched_unless_told() -> None:
    assert plan_of(policy()) == (RolloutStep(100),)
    assert plan_of(policy(bake="5m")) == (RolloutStep(100, 0, 5 * MINUTE),)


def test_a_canary_has_its_steps_each_with_its_bake() -> None:
    assert plan_of(policy(**CANARY)) == tuple(RolloutStep(w, 0, 10 * MINUTE) for w in (10, 50, 100))
    assert [s.bake / MINUTE for s in plan_of(policy(**CANARY, bake=["1m", "2m", "3m"]))] == [1, 2, 3]


def test_copies_come_before_any_weight_and_never_with_one() -> None:
    first, *rest = plan_of(policy(**CANARY, mirror={"percent": 20, "bake": "5m"}))

    assert first == RolloutStep(0, 20, 5 * MINUTE)
    assert all(step.mirror == 0 for step in rest)


def test_a_first_deployment_gets_everything_at_once_and_is_watched_as_the_last_step() -> None:
    steps = plan_of(
        policy(**CANARY, bake=["1m", "2m", "3m"], mirror={"percent": 20, "bake": "5m"}), first=True
    )

    assert steps == (RolloutStep(100, 0, 3 * MINUTE),)


def test_a_plan_is_read_back_from_rows_as_it_was_frozen() -> None:
    plan = rollout(policy(**CANARY, warm="2h", keep_failed="1h", health={"patience": "45m"}), first=False)

    assert plans().validate_python(plans().dump_python(plan, mode="json")) == plan
    assert plans().validate_python({"strategy": "blue_green", "warm": "PT2H"}).steps == (RolloutStep(100),)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"strategy": "canary"}, "a canary needs steps"),
        ({"strategy": "canary", "steps": [10, 50]}, "must rise from at least 1 to 100"),
        ({"strategy": "canary", "steps": [50, 10, 100]}, "must rise"),
        ({"strategy": "canary", "steps": [10, 10, 100]}, "must rise"),
        ({"strategy": "canary", "steps": [0, 100]}, "must rise"),
        ({"steps": [10, 100]}, "steps are for a canary"),
        ({**CANARY, "bake": ["1m"]}, "1 bakes for 3 steps"),
        ({"mirror": {"percent": 51, "bake": "1m"}}, "less than or equal to 50"),
        ({"mirror": {"percent": 0, "bake": "1m"}}, "greater than or equal to 1"),
        ({"mirror": {"percent": 20, "bake": "1m", "weight": 10}}, "Extra inputs"),
        ({"strategy": "all_at_once", "bake": "1m"}, "watches nothing"),
        ({"strategy": "all_at_once", "mirror": {"percent": 5, "bake": "1m"}}, "watches nothing"),
        ({**CANARY, "bake": "8d"}, "longer than an approval lives"),
        ({"mirror": {"percent": 20, "bake": "8d"}}, "longer than an approval lives"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(said: dict[str, Any], told: str) -> None:
    approval = {
        "approvers": [
            {"name": "Ana", "id": f"{'1' * 8}-1111-4111-8111-{'1' * 12}/{'2' * 8}-1111-4111-8111-{'2' * 12}"}
        ]
    }
    data = {
        "version": 1,
        "environments": [
            {"name": "qa", "workspace": "w", "rollout": said, "approval": {**approval, "expires": "7d"}}
        ],
        "models": [{"match": "*", "probe": {"request": "request.json"}}],
    }
    with pytest.raises(PolicyError, match=r"environments\.0") as refused:
        load(data, {}, lambda text: text)

    assert told in str(refused.value)
