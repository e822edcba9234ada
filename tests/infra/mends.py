"""Every command that doctor prints: each of its judgements on something broken, without a cloud."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from orchestrator import doctor
from orchestrator.doctor import beginning, events, own_topic, people, registry, rights, serving, storing
from orchestrator.doctor import workspaces as spaces
from orchestrator.doctor.finding import Finding, Names, Unseen
from orchestrator.doctor.own_topic import OwnTopicSeen
from orchestrator.doctor.registry import RegistrySeen
from orchestrator.doctor.rights import Caller, DataRightsSeen, RightsSeen
from orchestrator.doctor.serving import RoomSeen
from orchestrator.doctor.storing import FrozenSeen, Kind, SourceSeen, StateSeen
from orchestrator.doctor.tried import WELL, Fault, Tried
from orchestrator.doctor.workspaces import WorkspaceSeen
from orchestrator.seen import CapacitySeen
from shared.link_keys import LinkKey
from shared.registry_id import RegistryId
from tests.core import test_doctor_events as grid

SOURCES = sorted(Path(doctor.__path__[0]).glob("*.py"))
GONE, NO = Tried(Fault.MISSING, "404"), Tried(Fault.FORBIDDEN, "403")
NAMES = Names()
NOW = datetime(2026, 1, 2, tzinfo=UTC)
WORKSPACE = grid.WORKSPACE
OLD_KEY = LinkKey.parse("a key that signs links;until=2026-01-01")


def printed() -> Iterator[str]:
    """Lines, as they are printed."""
    judged = chain(
        _events(), _storage(), _rights(), _registry(), _topic(), _serving(), _people(), _beginning()
    )
    for finding in judged:
        yield from finding.mend.splitlines()
    for path in SOURCES:
        yield from written(ast.parse(path.read_text()))


def written(tree: ast.AST) -> Iterator[str]:
    """Commands that stand in the source as they are printed: nothing is filled in."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield from (line for line in node.value.splitlines() if line.startswith("az "))


def _events() -> Iterator[Finding]:
    topic = grid.TOPIC
    sick = replace(topic, state="Failed", identity="None")
    other = replace(topic, id=f"{grid.TOPICS}/other", name="other")
    broken = {"filter": {"includedEventTypes": []}, "retryPolicy": {"maxDeliveryAttempts": 1}}
    sub = events.Subscription("greenlight", topic, {**grid.WELL, **broken, "provisioningState": "Failed"})
    for facts in (
        grid.seen(topics=()),
        grid.seen(topics=(sick,)),
        grid.seen(topics=(topic, other)),
        grid.seen(subscriptions=()),
        grid.seen(subscriptions=(sub,), deadletter_rights=()),
    ):
        yield from events.judge(facts, NAMES)


def _storage() -> Iterator[Finding]:
    for kind in Kind:
        for tried in (GONE, NO):
            yield from storing.judge_state(StateSeen(kind=kind, name="x", account="a", read=tried), NAMES)
    source = SourceSeen(env="dev", account="a", container="c", account_id="/id", read=NO, sign=NO)
    yield from storing.judge_source(source, NAMES)
    frozen = FrozenSeen(
        env="qa",
        workspace=WORKSPACE,
        datastore=WELL,
        account="a",
        container=storing.FROZEN_CONTAINER,
        default_account="a",
    )
    for seen in (replace(frozen, datastore=GONE), replace(frozen, read=GONE), replace(frozen, read=NO)):
        yield from storing.judge_frozen(seen, NAMES)


def _rights() -> Iterator[Finding]:
    caller = Caller(oid="o", tenant="other", name="me", managed=False)
    yield from rights.judge_caller(caller, "ours", NAMES)
    seen = RightsSeen(env="qa", workspace=WORKSPACE, first=False, granted=(), principal="p")
    yield from rights.judge(seen, NAMES)
    data = DataRightsSeen(where="qa", scope="/s", role="R", wanted=("x/read",), granted=(), principal="p")
    yield from rights.judge_data(data, NAMES)
    text = f"/{WORKSPACE.strip('/')}"
    yield from spaces.judge(WorkspaceSeen(env="qa", id=text, setting="S", status=404), NAMES)
    yield from spaces.judge(WorkspaceSeen(env="qa", id=text, setting="S", status=403), NAMES)


def _registry() -> Iterator[Finding]:
    there = RegistrySeen(registry=RegistryId("mlr"), lookup=WELL, arm_id=grid.ACCOUNT, setting="S")
    for seen in (
        replace(there, lookup=GONE),
        replace(there, elsewhere="mlr.example"),
        replace(there, reference=NO),
        replace(there, listing=NO),
    ):
        yield from registry.judge(seen, NAMES)


def _topic() -> Iterator[Finding]:
    for fault in (Fault.MISSING, Fault.FORBIDDEN, Fault.OTHER):
        seen = OwnTopicSeen(host="h", principal="p", answers=Tried(fault, "so"))
        yield from own_topic.judge(seen, "https://h/api/events", NAMES)


def _serving() -> Iterator[Finding]:
    for capacity in (
        CapacitySeen(family="f", cores=4, free=0, limit=0, offered=False),
        CapacitySeen(family="f", cores=4, free=None, limit=0, offered=True),
        CapacitySeen(family="f", cores=4, free=0, limit=0, offered=True),
    ):
        room = {"env": "qa", "subscription": "s", "region": "westeurope", "type": "T", "count": 1}
        yield from serving.judge_room(RoomSeen(**room, serving=False, capacity=capacity))


def _people() -> Iterator[Finding]:
    yield from people.judge_hook(people.HookSeen(name="GREENLIGHT_TEAMS_WEBHOOK", status=404))
    keys = people.KeysSeen(keys=(OLD_KEY,), journal=b"", longest=timedelta(days=7), now=NOW)
    yield from people.judge_keys(keys)
    for health, said in ((Unseen("no answer"), ""), (302, ""), (200, people.DEGRADED), (500, "")):
        app = people.AppSeen(url="https://x", page=200, health=health, said=said, auth=False, needs=("Ana",))
        yield from people.judge_app(app, NAMES)


def _beginning() -> Iterator[Finding]:
    reference = {"GREENLIGHT_JOURNAL_KEY": f"{beginning.REFERENCE}SecretUri=x)"}
    yield from beginning.settings(reference, NAMES).findings
