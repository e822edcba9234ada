"""Approvers with a channel of their own: each is told there, and only there is the link an identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app import build, read_policy, web_of
from orchestrator.model import SlotKey
from shared.errors import Invalid, Unavailable
from shared.queues import APPROVAL_REQUESTS
from tests.engine.town import ANA, PIPELINE, QA, TENANT, Town

ANAS, TEAM = "https://flows.example/ana?sig=s3cret", "https://flows.example/team?sig=other"
TWO = PIPELINE.replace(
    '{name: Ana, id: "${ANA}"}', f'{{name: Ana, id: "${{ANA}}", channel: {{webhook: "{ANAS}"}}}}', 1
)


class Webhooks:
    """Everything posted, by address; `down` answers nothing."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []
        self.down: set[str] = set()

    def __call__(self, url: str, card: Mapping[str, Any], timeout: float = 10.0) -> None:
        if url in self.down:
            raise Unavailable("no connection")
        self.posted.append((url, json.dumps(card)))

    def links(self, url: str) -> list[str]:
        return [
            part.split('"')[0]
            for to, card in self.posted
            for part in card.split("https://greenlight.example/review/")[1:]
            if to == url
        ]


@pytest.fixture
def hooks() -> Webhooks:
    return Webhooks()


def town_of(root: Path, hooks: Webhooks, *, auth_enabled: bool) -> Town:
    town = Town(root, TWO)
    settings = replace(town.app.settings, auth_enabled=auth_enabled, teams_webhook=TEAM)
    town.app = build(settings, town.app.policy, replace(town.ports, post=hooks), root)
    town.register("1")
    town.announce("1")
    town.settle()
    return town


def test_without_sign_in_only_the_personal_card_carries_an_identity(tmp_path: Path, hooks: Webhooks) -> None:
    town = town_of(tmp_path, hooks, auth_enabled=False)

    (team,), (anas,) = hooks.links(TEAM), hooks.links(ANAS)

    assert town.app.links.open_review(team).person == ""
    assert town.app.links.open_review(anas).person == f"{TENANT}/{ANA.oid}"
    assert town.state().requests[1].notified.keys() == {"queue", "teams", "personal:Ana"}
    page = web_of(town.app).handle("GET", f"/review/{anas}", {"accept": "text/html"}).body.decode()
    assert "You vote as Ana" in page
    (message,) = town.queues.parsed(APPROVAL_REQUESTS)
    assert "/review/" not in json.dumps(message), "what everybody reads carries no token"


def test_with_sign_in_no_link_carries_an_identity(tmp_path: Path, hooks: Webhooks) -> None:
    town = town_of(tmp_path, hooks, auth_enabled=True)

    assert [town.app.links.open_review(x).person for x in hooks.links(ANAS) + hooks.links(TEAM)] == ["", ""]


def test_a_personal_channel_in_trouble_is_journaled_without_its_address(
    tmp_path: Path, hooks: Webhooks
) -> None:
    hooks.down.add(ANAS)
    town = town_of(tmp_path, hooks, auth_enabled=False)

    rows = town.app.ledger.journal(QA)

    assert any("personal:Ana" in r.entry.why and r.entry.what == "notify.troubled" for r in rows)
    everything = repr([dict(t.rows) for t in town.store.tables.values()])
    assert "s3cret" not in everything
    assert hooks.links(TEAM), "one channel's trouble holds up no other"


def test_no_token_and_no_webhook_is_ever_stored(tmp_path: Path, hooks: Webhooks) -> None:
    town = town_of(tmp_path, hooks, auth_enabled=False)

    everything = repr([dict(t.rows) for t in town.store.tables.values()])

    for secret in (*hooks.links(ANAS), *hooks.links(TEAM), "s3cret"):
        assert secret not in everything


def test_an_environment_that_names_no_such_channel_tells_nobody_there(
    tmp_path: Path, hooks: Webhooks
) -> None:
    town = town_of(tmp_path, hooks, auth_enabled=False)

    assert not any("personal" in r.entry.why for r in town.app.ledger.journal(SlotKey("titanic", "dev")))


def test_the_address_that_everybody_reads_is_no_personal_channel(tmp_path: Path, hooks: Webhooks) -> None:
    town = Town(tmp_path, TWO)

    with pytest.raises(Invalid, match="GREENLIGHT_TEAMS_WEBHOOK"):
        build(replace(town.app.settings, teams_webhook=ANAS), town.app.policy, town.ports, tmp_path)


BEN_TOO = TWO.replace('{name: Ben, id: "${BEN}"}', '{name: Ben, id: "${BEN}", channel: {webhook: "%s"}}', 1)


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        (BEN_TOO % ANAS, "same webhook"),
        (BEN_TOO % "ftp://flows.example/s3cret", "starts with https://"),
        (BEN_TOO % "s3cret", "starts with https://"),
        (TWO.replace("Ben", "Ana", 1), "needs one name"),
        (
            TWO.replace(
                '{name: Ben, id: "${BEN}"}', '{name: B, group: g, channel: {webhook: "https://x"}}', 1
            ),
            "group",
        ),
    ],
)
def test_what_would_let_one_vote_as_another_is_refused_without_repeating_the_address(
    pipeline: str, why: str
) -> None:
    variables = dict.fromkeys(("DEV", "QA", "ANA", "BEN", "BRIDGE_KEY"), "")
    ids = {"DEV": "/a", "QA": "/b", "ANA": f"{TENANT}/{ANA.oid}", "BEN": f"{TENANT}/{TENANT}"}

    with pytest.raises(Invalid, match=why) as refused:
        read_policy(pipeline, variables | ids)

    assert "s3cret" not in str(refused.value)


def test_an_empty_address_is_a_channel_that_is_off() -> None:
    ids = {
        "DEV": "/a",
        "QA": "/b",
        "ANA": f"{TENANT}/{ANA.oid}",
        "BEN": f"{TENANT}/{TENANT}",
        "BRIDGE_KEY": "",
    }

    policy = read_policy(TWO.replace(ANAS, ""), ids)

    assert [a.webhook for a in policy.file.environments[1].approval.approvers] == ["", ""]  # type: ignore[union-attr]
