"""What doctor finds at the topic of Greenlight's own events."""

from __future__ import annotations

import pytest

from orchestrator.doctor.finding import Code, Names, Unseen
from orchestrator.doctor.own_topic import OwnTopicSeen, judge
from orchestrator.doctor.tried import WELL, Fault, Tried
from shared.rights import Granted

ENDPOINT = "https://greenlight.westeurope-1.eventgrid.azure.net/api/events"
TOPIC = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventGrid/topics/greenlight"
SENDER = Granted((), (), ("Microsoft.EventGrid/events/send/action",))
READER = Granted(("*/read",))


def codes(answers: Tried, granted: tuple[Granted, ...] | Unseen | None = None) -> list[Code]:
    seen = OwnTopicSeen(host="h", principal="me", answers=answers, topic=TOPIC, granted=granted)
    return [finding.code for finding in judge(seen, ENDPOINT, Names())]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, []),
        (Fault.MISSING, [Code.OWN_TOPIC_MISSING]),
        (Fault.FORBIDDEN, [Code.OWN_TOPIC_RIGHTS]),
        (Fault.OTHER, [Code.OWN_TOPIC_SILENT]),
    ],
)
def test_what_the_app_itself_met(fault: Fault | None, expected: list[Code]) -> None:
    assert codes(Tried(fault, "so")) == expected


def test_what_the_roles_of_the_app_grant() -> None:
    assert codes(WELL, (SENDER,)) == []
    assert codes(WELL, (READER,)) == codes(WELL, ()) == [Code.OWN_TOPIC_RIGHTS]
    assert codes(WELL, Unseen("nobody knows")) == [Code.NOT_KNOWN]


@pytest.mark.parametrize("fault", [Fault.MISSING, Fault.FORBIDDEN, Fault.OTHER])
def test_each_comes_with_a_command(fault: Fault) -> None:
    seen = OwnTopicSeen(host="h", principal="me", answers=Tried(fault, "it said so"))
    (finding,) = judge(seen, ENDPOINT, Names(group="rg", app="app"))

    assert finding.wrong.endswith("it said so")
    assert finding.mend.splitlines()[0].startswith("az ")
    assert finding.where == "GREENLIGHT_EVENTS_TOPIC"


def test_a_missing_role_is_given_where_it_is_missing() -> None:
    seen = OwnTopicSeen(host="h", principal="me", answers=WELL, topic=TOPIC, granted=())
    (finding,) = judge(seen, ENDPOINT, Names())

    assert "lacks Microsoft.EventGrid/events/send/action" in finding.wrong
    assert finding.mend.endswith(f"--role 'EventGrid Data Sender' --scope {TOPIC}")
