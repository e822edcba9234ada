"""When a freeze is in force: by the wall of its zone, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.app import read_policy
from orchestrator.approval_policy import FreezePolicy
from orchestrator.freezing import frozen
from shared.errors import Invalid

WEEKEND = {
    "name": "Weekend",
    "start": "2026-01-02T18:00",  # a Friday
    "duration": "60h",
    "timezone": "Europe/Berlin",
    "rrule": "FREQ=WEEKLY;BYDAY=FR",
}


def window(**changes: object) -> FreezePolicy:
    return FreezePolicy.model_validate(WEEKEND | changes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def until(now: str, *windows: FreezePolicy) -> datetime | None:
    found = frozen(windows or (window(),), at(now))
    return found.until if found else None


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2025-12-26T20:00", None),  # before it begins for the first time
        ("2026-01-09T16:59:59", None),
        ("2026-01-09T17:00", "2026-01-12T05:00"),  # 18:00 to 06:00 in winter
        ("2026-01-12T04:59:59", "2026-01-12T05:00"),
        ("2026-01-12T05:00", None),
        ("2026-07-10T15:59", None),
        ("2026-07-10T16:00", "2026-07-13T04:00"),  # and in summer
        ("2026-03-27T17:00", "2026-03-30T04:00"),  # clocks go forward within it
        ("2026-10-23T16:00", "2026-10-26T05:00"),  # and back
    ],
)
def test_a_weekend_lasts_from_friday_evening_to_monday_morning_by_the_wall(now: str, end: str | None) -> None:
    assert until(now) == (at(end) if end else None)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-10-25T00:29", None),  # 02:29 summer time
        ("2026-10-25T00:30", "2026-10-25T02:00"),  # 02:30 comes twice: from the first on
        ("2026-10-25T01:10", "2026-10-25T02:00"),  # 02:10 for the second time
        ("2026-10-25T02:00", None),
        ("2026-03-29T01:10", None),  # 03:10: 02:30 did not come, so there is nothing to end at 03:00
        ("2026-03-29T01:30", None),
    ],
)
def test_hours_that_come_twice_or_not_at_all(now: str, end: str | None) -> None:
    night = window(start="2026-01-01T02:30", duration="30m", rrule="FREQ=DAILY")

    assert until(now, night) == (at(end) if end else None)


def test_windows_that_follow_one_another_are_one_freeze() -> None:
    holidays = window(name="Holidays", start="2026-12-28T06:00", duration="4d", rrule="")

    found = frozen((window(), holidays), at("2026-12-26T12:00"))

    assert found is not None
    assert (found.name, found.until) == ("Weekend", at("2027-01-01T05:00"))


def test_a_freeze_that_comes_once_ends_for_good() -> None:
    once = window(rrule="")

    assert until("2026-01-03T00:00", once) == at("2026-01-05T05:00")
    assert until("2026-01-10T00:00", once) is None


@pytest.mark.parametrize(
    ("rrule", "now", "is_frozen"),
    [
        ("FREQ=WEEKLY;BYDAY=FR;UNTIL=20260110T000000Z", "2026-01-10T00:00", True),
        ("FREQ=WEEKLY;BYDAY=FR;UNTIL=20260110T000000Z", "2026-01-17T00:00", False),
        ("RRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=2", "2026-01-17T00:00", False),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-31T00:00", True),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-24T00:00", False),
        ("FREQ=YEARLY", "2030-01-03T00:00", True),
    ],
)
def test_rules_are_those_of_rfc_5545(rrule: str, now: str, is_frozen: bool) -> None:
    assert (until(now, window(rrule=rrule)) is not None) is is_frozen


def test_what_never_ends_is_looked_at_no_further_than_is_reasonable() -> None:
    always = window(start="2026-01-01T00:00", duration="25h", rrule="FREQ=DAILY")

    found = frozen((always,), at("2026-03-01T00:00"))

    assert found is not None
    assert found.until > at("2026-03-01T00:00") + timedelta(days=50)


# ---- mistakes


def pipeline(**changes: object) -> str:
    import json

    freeze: dict[str, Any] = WEEKEND | changes
    env = {"name": "dev", "workspace": "/subscriptions/DEV", "freeze": [freeze]}
    return json.dumps(
        {"version": 1, "environments": [env], "models": [{"match": "*", "probe": {"request": "r.json"}}]}
    )


def test_a_good_freeze_is_read() -> None:
    (read,) = read_policy(pipeline(), {}).source.freeze

    assert read.duration == timedelta(hours=60)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rrule": "every friday"}, "environments.0.freeze.0.rrule: one rule on one line"),
        ({"rrule": "FREQ=MINUTELY"}, "write FREQ=YEARLY|MONTHLY|WEEKLY|DAILY"),
        ({"rrule": "BYDAY=FR"}, "write FREQ="),
        ({"rrule": "FREQ=WEEKLY;BYDAY=XX"}, "invalid 'BYDAY'"),
        ({"rrule": "FREQ=WEEKLY;BYDAYS=FR"}, "unknown parameter"),
        ({"rrule": "FREQ=WEEKLY;"}, "freeze.0.rrule"),
        ({"rrule": "FREQ=WEEKLY;INTERVAL=0"}, "INTERVAL and COUNT are one at least"),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20261231"}, "UNTIL is in UTC"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "it never comes"),
        ({"timezone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ({"timezone": "../../etc/passwd"}, "is no time zone"),
        ({"start": "next friday"}, "write the start as"),
        ({"start": "2026-01-02T18:00+01:00"}, "leave the offset out"),
        ({"duration": "0h"}, "more than nothing"),
        ({"duration": "400d"}, "a year at most"),
        ({"name": ""}, "at least 1 character"),
        ({"until": "2027"}, "until: Extra inputs"),
    ],
)
def test_every_mistake_in_a_freeze_is_named_with_its_place(changes: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid) as error:
        read_policy(pipeline(**changes), {})

    assert said in str(error.value)
    assert "environments.0.freeze.0" in str(error.value)
