"""What doctor finds where people come in: webhooks, keys, clocks, sign-in; and endpoint names and room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.doctor import people, serving
from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from orchestrator.doctor.people import AppSeen, ClockSeen, HookSeen, KeysSeen
from orchestrator.doctor.serving import NameSeen, RoomSeen
from orchestrator.seen import CapacitySeen
from shared.link_keys import LinkKey

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOOK = "GREENLIGHT_TEAMS_WEBHOOK"


def codes(found: object) -> list[Code]:
    return [f.code for f in found if isinstance(f, Finding)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (405, "TriggerRequestMethodNotValid", []),
        (404, "TriggerRequestMethodNotValid", []),
        (400, "InvalidRequestContent", []),
        (404, "WorkflowNotFound", [Code.TEAMS_GONE]),
        (404, "", [Code.TEAMS_GONE]),
        (401, "DirectApiAuthorizationRequired", [Code.TEAMS_REFUSED]),
        (403, "", [Code.TEAMS_REFUSED]),
        (302, "", [Code.TEAMS_REFUSED]),
        (503, "", [Code.TEAMS_SILENT]),
    ],
)
def test_what_a_webhook_may_answer_to_a_get(status: int, code: str, expected: list[Code]) -> None:
    seen = HookSeen(name=HOOK, status=status, code=code)

    assert codes(people.judge_hook(seen)) == expected


def keyed(*until: int | None, longest: int = 7, same: bool = False) -> list[Code]:
    """Keys by the days from now at which they go out of force."""
    keys = [LinkKey(f"secret-{n}", None if d is None else NOW + timedelta(d)) for n, d in enumerate(until)]
    journal = b"secret-0" if same else b"journal"
    seen = KeysSeen(keys=keys, journal=journal, longest=timedelta(longest), now=NOW)
    return codes(people.judge_keys(seen))


def test_keys_that_are_in_force_long_enough_are_well() -> None:
    assert keyed(None) == keyed(8) == keyed(7) == []
    assert keyed(None, -1) == [], "an old key may have gone"


def test_a_key_that_should_sign_and_has_expired_is_named() -> None:
    assert keyed(-1) == [Code.KEY_EXPIRED]
    assert keyed(-1, None) == [Code.KEY_EXPIRED]
    assert keyed(-1, -2) == [Code.KEY_EXPIRED, Code.KEY_EXPIRED]
    assert keyed(0) == [Code.KEY_EXPIRED], "its last moment is not in force"


def test_a_key_that_dies_before_its_links_is_named() -> None:
    assert keyed(6) == [Code.KEY_EXPIRING]
    assert keyed(6, longest=0) == []
    assert keyed(-1, 6) == [Code.KEY_EXPIRED, Code.KEY_EXPIRING]


def test_a_key_has_one_purpose() -> None:
    assert keyed(None, same=True) == [Code.KEY_SHARED]


def test_no_key_is_told() -> None:
    seen = KeysSeen(keys=[LinkKey("the-secret", NOW)], journal=b"the-secret", longest=timedelta(), now=NOW)

    assert "the-secret" not in repr(list(people.judge_keys(seen)))


@given(st.floats(-60, 60), st.floats(0, 10))
def test_a_clock_is_wrong_only_where_no_delay_can_explain_it(ahead: float, unsure: float) -> None:
    found = codes(people.judge_clock(ClockSeen(host="h", ahead=ahead, unsure=unsure), 5.0))

    assert bool(found) is (abs(ahead) - unsure > 5.0)


def app(page: int | Unseen = 302, health: int | Unseen = 200, auth: bool | None = True) -> AppSeen:
    return AppSeen(
        url="https://x.test", page=page, health=health, auth=auth, needs=("Ana (approval in qa)",), said="bad"
    )


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (app(), []),
        (app(page=401), []),
        (app(auth=None), []),
        (app(page=200), [Code.SIGN_IN_OFF]),
        (app(auth=False), [Code.SIGN_IN_OFF]),
        (app(page=200, auth=None), [Code.SIGN_IN_OFF]),
        (app(page=Unseen("down")), [Code.NOT_KNOWN]),
        (app(page=Unseen("down"), auth=False), [Code.SIGN_IN_OFF]),
        (app(page=503), [Code.NOT_KNOWN]),
        (app(health=401), [Code.HEALTH_CLOSED]),
        (app(health=302), [Code.HEALTH_CLOSED]),
        (app(health=500), [Code.APP_UNWELL]),
        (replace(app(), said="degraded"), [Code.APP_DEGRADED]),
        (app(health=Unseen("down"), page=Unseen("down")), [Code.APP_SILENT, Code.NOT_KNOWN]),
    ],
)
def test_the_front_door(seen: AppSeen, expected: list[Code]) -> None:
    assert codes(people.judge_app(seen, Names())) == expected


def test_where_nobody_must_sign_in_it_may_be_off() -> None:
    seen = AppSeen(url="https://x.test", page=200, health=200, auth=False)

    assert codes(people.judge_app(seen, Names())) == []


def named(slot: str = "titanic@qa", **more: object) -> NameSeen:
    given: dict[str, object] = {"slot": slot, "env": "qa", "workspace": "/w", "endpoint": "titanic-qa"}
    return NameSeen(**given | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([named()], []),
        ([named(owner="titanic@qa", there=True, mark="titanic@qa")], []),
        ([named(there=True)], [Code.NAME_TAKEN]),
        ([named(there=True, mark="other@qa")], [Code.NAME_TAKEN]),
        ([named(owner="other@qa")], [Code.NAME_SHARED]),
        ([named(namesake="mlw-dev")], [Code.NAMESAKE]),
        ([named(there=True, mark="titanic@qa", namesake="mlw-dev")], []),
        ([named(), named("Titanic@qa", endpoint="Titanic-qa")], [Code.NAME_SHARED]),
        ([named(), named("other@qa", workspace="/v")], []),
    ],
)
def test_endpoint_names(seen: list[NameSeen], expected: list[Code]) -> None:
    assert codes(serving.judge_names(seen)) == expected


def room(capacity: CapacitySeen, count: int = 1, *, serves: bool = True) -> RoomSeen:
    return RoomSeen(
        env="qa",
        subscription="s",
        region="westeurope",
        type="T",
        count=count,
        serving=serves,
        capacity=capacity,
    )


@given(count=st.integers(1, 50), cores=st.integers(1, 64), free=st.integers(0, 8000), serves=st.booleans())
def test_room_is_ceil_of_a_fifth_more_for_each_colour(
    count: int, cores: int, free: int, serves: bool
) -> None:
    needed = -(-count * 6 // 5) * cores * (1 if serves else 2)
    seen = room(CapacitySeen(cores=cores, free=free, limit=free, family="F"), count, serves=serves)
    found = list(serving.judge_room(seen))

    assert codes(found) == ([] if free >= needed else [Code.QUOTA])
    assert all(f"value={needed}" in f.mend for f in found)


def test_what_the_region_does_not_say_is_not_known() -> None:
    absent = CapacitySeen(offered=False, similar=("Standard_DS3_v2",))

    assert codes(serving.judge_room(room(CapacitySeen(note="no quota is listed")))) == [Code.NOT_KNOWN]
    (finding,) = serving.judge_room(room(absent))
    assert finding.code is Code.INSTANCE_TYPE
    assert "Standard_DS3_v2" in finding.wrong
