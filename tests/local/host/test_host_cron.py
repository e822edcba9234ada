"""NCRONTAB schedules, as data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.functions.cron import CronError, parse

NOW = datetime(2026, 11, 20, 10, 15, 30, 500_000, UTC)  # a Friday


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("* * * * * *", "2026-11-20 10:15:31"),
        ("*/15 * * * * *", "2026-11-20 10:15:45"),
        ("0 * * * * *", "2026-11-20 10:16:00"),
        ("* * * * *", "2026-11-20 10:16:00"),
        ("0 */5 * * * *", "2026-11-20 10:20:00"),
        ("30 15 10 * * *", "2026-11-21 10:15:30"),
        ("0 0 9-17/4 * * *", "2026-11-20 13:00:00"),
        ("0 0 5/6 * * *", "2026-11-20 11:00:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-23 09:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01 00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00"),
        ("0 0 0 31 * *", "2026-12-31 00:00:00"),
        ("0 0 12 13 * 5", "2027-08-13 12:00:00"),  # both the 13th and a Friday, unlike Unix cron
        ("0 0 0 * * 0,6", "2026-11-21 00:00:00"),
        ("5,35 59 23 20 11 *", "2026-11-20 23:59:05"),
    ],
)
def test_next_occurrence(schedule: str, following: str) -> None:
    assert f"{parse(schedule).after(NOW):%Y-%m-%d %H:%M:%S}" == following


@pytest.mark.parametrize(
    ("schedule", "complaint"),
    [
        ("* * *", "has 3 fields"),
        ("60 * * * * *", "second: '60' is not within 0–59"),
        ("* * * * * 7", "day of week: '7' is not within 0–6"),
        ("* * * 0 * *", "day: '0' is not within 1–31"),
        ("*/0 * * * * *", "no step"),
        ("* 9-5 * * * *", "runs backwards"),
        ("* * * * Foo *", "month: 'Foo'"),
        ("x * * * * *", "second: 'x'"),
        ("00:05:00", "is a TimeSpan"),
    ],
)
def test_what_is_refused(schedule: str, complaint: str) -> None:
    with pytest.raises(CronError, match=complaint):
        parse(schedule)


def test_day_that_never_comes() -> None:
    with pytest.raises(CronError, match="never happens"):
        parse("0 0 0 30 2 *").after(NOW)
