"""The bridge that docs/messages.md shows works as it stands there, against the whole product in memory."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from orchestrator import triggers
from orchestrator.approval import VoteKind
from orchestrator.messages import Claims, Code
from orchestrator.model import Verdict
from shared.channel_tokens import new_key, public_key
from shared.queues import APPROVAL_DECISIONS, APPROVAL_REQUESTS
from tests.engine.town import ANA, BEN, PIPELINE, QA, Town

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()
VOTES = PAGE.partition("## `approval-decisions` (in)")[2].partition("## `wakes`")[0]
BRIDGE = next(code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "bridge.py" in code)


@dataclass
class Queue:
    """What the bridge uses of azure-storage-queue's QueueClient, on the twin's queues."""

    town: Town
    name: str
    deleted: int = 0

    def receive_messages(self, *, visibility_timeout: int) -> list[SimpleNamespace]:
        assert visibility_timeout > 0
        return [SimpleNamespace(content=text) for text in self.town.queues.take(self.name)]

    def delete_message(self, message: SimpleNamespace) -> None:
        assert message.content
        self.deleted += 1

    def send_message(self, text: str) -> None:
        self.town.queues.send(self.name, text)


@dataclass
class Tickets:
    """A ticket system: people whom it signed in decide."""

    kept: dict[str, SimpleNamespace] = field(default_factory=dict[str, SimpleNamespace])

    def create(self, key: str, *, title: str, link: str, request: dict[str, Any]) -> None:
        self.kept.setdefault(
            key,
            SimpleNamespace(key=key, title=title, link=link, request=request, decided_by="", closed=False),
        )

    def decide(self, who: str, decision: str, comment: str) -> None:
        (ticket,) = self.kept.values()
        ticket.decided_by, ticket.decision, ticket.comment = who, decision, comment

    def decided(self) -> list[SimpleNamespace]:
        return [t for t in self.kept.values() if t.decided_by and not t.closed]

    def close(self, ticket: SimpleNamespace) -> None:
        ticket.closed = True


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """It registers the bridge under its name in the docs, and the clock is the machine's."""
    private = new_key()
    (tmp_path / "servicenow.pem").write_text(private)
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "servicenow.pem"))
    monkeypatch.setenv("PEOPLE", json.dumps({"ana@example.com": ANA.id, "ben@example.com": BEN.id}))
    pipeline = PIPELINE.replace("name: bridge", "name: servicenow").replace(
        "${BRIDGE_KEY}", public_key(private)
    )
    made = Town(tmp_path, pipeline)
    made.clock.advance((datetime.now(UTC) - made.clock.now()).total_seconds())
    made.register("1")
    made.announce("1")
    made.settle()
    return made


def bridge() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "bridge"}
    exec(compile(BRIDGE, "docs/messages.md", "exec"), names)  # noqa: S102 -- the subject of this test
    return names


def test_a_request_becomes_a_ticket_and_its_decision_a_vote(town: Town) -> None:
    code, tickets = bridge(), Tickets()
    requests, decisions = Queue(town, APPROVAL_REQUESTS), Queue(town, APPROVAL_DECISIONS)

    code["run_once"](requests, decisions, tickets)
    (ticket,) = tickets.kept.values()
    assert ticket.title == "titanic 1 waits for approval in qa"
    assert requests.deleted == 1
    tickets.decide("ana@example.com", "approve", "fine, see CHG-7")
    code["run_once"](requests, decisions, tickets)
    for text in town.queues.take(APPROVAL_DECISIONS):
        triggers.approval_message(town.app, text)
    (vote,) = town.state(QA).votes[1]
    town.settle()

    assert (vote.approver, vote.name, vote.channel) == (ANA.id, "Ana", "servicenow")
    assert town.promotion(1).verdict is Verdict.LIVE
    assert town.app.dead.listed(None, 10, now=town.clock.now()) == []


def test_a_bridge_that_dies_before_it_closes_the_ticket_sends_the_same_message_again(town: Town) -> None:
    code, tickets = bridge(), Tickets()
    requests, decisions = Queue(town, APPROVAL_REQUESTS), Queue(town, APPROVAL_DECISIONS)
    code["run_once"](requests, decisions, tickets)
    tickets.decide("ana@example.com", "approve", "")

    for _ in range(2):
        code["vote"](decisions, *tickets.decided(), Path(os.environ["KEY_FILE"]).read_text())
    outcomes = [town.app.channels.take(text) for text in town.queues.take(APPROVAL_DECISIONS)]

    assert [o and o.kind for o in outcomes] == ["recorded", "repeated"]


def test_the_bridge_is_as_short_as_it_is_said_to_be() -> None:
    lines = [line for line in BRIDGE.splitlines() if line.strip()]

    assert len(lines) <= 50


@pytest.mark.parametrize("claim", Claims.model_fields)
def test_every_claim_is_in_the_schema(claim: str) -> None:
    assert f"`{claim}`" in VOTES.partition("A channel maps")[0]


@pytest.mark.parametrize("word", [*get_args(Code), *get_args(VoteKind), "gave_up"])
def test_every_reason_for_a_refusal_says_what_to_do(word: str) -> None:
    if word not in ("recorded", "repeated"):
        assert f"`{word}`" in VOTES.partition("| word |")[2]
