"""How the world must be after the story, whatever happened to the functions host in between."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from local.appsettings import ROOT
from local.eventgrid import own
from orchestrator import rows
from orchestrator.deadletters import DeadLetters
from orchestrator.index import QUIET, OpenIndex
from orchestrator.journal import verify
from orchestrator.model import SlotKey
from orchestrator.outbox import END
from orchestrator.sources import Sources
from orchestrator.sweep import Sweep
from orchestrator.world import PROPERTY_DIGEST, TAG_LIVE, TAG_SLOT
from shared.names import slot_id
from shared.store import Range
from tests.cloud.clients import cards
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from local.config import LocalConfig
    from orchestrator.journal import JournalRow
    from orchestrator.model import Slot
    from tests.cloud.inside import Inside
    from tests.cloud.story import Story

ENVIRONMENTS = ("dev", "qa")
FORGOTTEN_SECONDS = 90.0
SWEEP_SECONDS = 2.0
REPEATED = "Repeated: an earlier try may have reached you already."


def problems(story: Story, *, kills: int = 0) -> list[str]:
    """Everything that is not as it should be; empty: all of it is."""
    said = [p for env in ENVIRONMENTS for p in _slot(story, env)]
    said += [*_registrations(story), *_told(story, kills), *_published(story, kills)]
    return [*said, *_dead(story), *_drained(story)]


def told(story: Story) -> set[str]:
    """What people were told, without what differs from story to story."""
    texts = {str(card["fallbackText"]) for card in cards(story.inside.config, story.model)}
    texts |= {f"{m['kind']} {m['notice']} v{m['model_version']}" for m in story.system.noticed}
    return {text.replace(story.model, "model") for text in texts}


def _slot(story: Story, env: str) -> Iterator[str]:
    key = SlotKey(story.model, env)
    loaded = story.inside.app.ledger.slot_row(key)
    slot = loaded.state.slot if loaded else None
    if slot is None or slot.serving is None:
        yield f"{key}: nothing serves"
        return
    wanted = story.expected.serving[env]
    if (slot.serving.version, slot.serving.digest) != (wanted, story.digests[wanted]):
        yield f"{key}: serves v{slot.serving.version} {slot.serving.digest[:12]}, not v{wanted}'s bytes"
    if not slot.idle:
        yield f"{key}: is not idle: {slot}"
    journal = _journal(story.inside, key)
    yield from (f"{key}: {p}" for p in _journal_problems(story.inside, slot, journal))
    yield from (f"{key}: {p}" for p in _promotions(story, key, journal))
    yield from (f"{key}: {p}" for p in _endpoint(story, env, slot))


def _journal(inside: Inside, key: SlotKey) -> list[JournalRow]:
    found: list[JournalRow] = []
    while page := inside.app.ledger.journal(key, after=len(found)):
        found += page
    return found


def _journal_problems(inside: Inside, slot: Slot, journal: list[JournalRow]) -> list[str]:
    return verify(slot_id(*slot.key), journal, slot.seq, slot.head, inside.app.settings.journal_key)


def _promotions(story: Story, key: SlotKey, journal: list[JournalRow]) -> Iterator[str]:
    found = sorted(story.inside.app.ledger.promotions(key), key=lambda p: p.n)
    expected = story.expected.dev if key.env == "dev" else story.expected.qa
    if tuple((p.registration.version, p.verdict) for p in found) != expected:
        yield f"promotions ended {[(p.registration.version, p.verdict, p.sentence) for p in found]}"
    ended = Counter(row.entry.n for row in journal if row.entry.what == "promotion.ended")
    if ended != {p.n: 1 for p in found}:
        yield f"the journal has these ends: {dict(ended)}"
    if key.env == "qa" and [p.asks for p in found] != [1] * len(found):
        yield f"people were asked {[p.asks for p in found]} times"


def _endpoint(story: Story, env: str, slot: Slot) -> Iterator[str]:
    name = story.inside.app.policy.slot(story.model, env)
    assert name is not None
    assert slot.serving is not None
    workspace, wanted = story.inside.workspace(env), {slot.serving.deployment: 100}
    endpoint = workspace.endpoint(name.endpoint)
    if endpoint is None:
        yield f"endpoint {name.endpoint} does not exist"
        return
    if dict(endpoint.traffic) != wanted:
        yield f"traffic of {endpoint.name} is {dict(endpoint.traffic)}, not {wanted}"
    tags = {TAG_SLOT: str(slot.key), TAG_LIVE: slot.serving.deployment}
    if not tags.items() <= endpoint.tags.items():
        yield f"tags of {endpoint.name} are {dict(endpoint.tags)}"
    there = [(d.name, d.state, d.model) for d in workspace.deployments(endpoint.name)]
    if there != [(slot.serving.deployment, "Succeeded", (story.model, slot.serving.target_version))]:
        yield f"deployments of {endpoint.name} are {there}"
    routed = _route(story.inside.config, endpoint.name)
    if routed != wanted:
        yield f"the router's weights of {endpoint.name} are {routed}, not {wanted}"
    status, by = score(story.inside.config, endpoint.name, workspace.scoring_key(endpoint.name))
    if (status, by) != (200, slot.serving.deployment):
        yield f"{endpoint.name} answered {status} by {by}"


def _route(config: LocalConfig, endpoint: str) -> dict[str, int]:
    base = f"http://127.0.0.1:{config.port('router_http')}"
    found = httpx.get(f"{base}/-/routes", trust_env=False).json()["routes"]
    return next((r["traffic"] for r in found if r["endpoint"] == endpoint), {})


def score(config: LocalConfig, endpoint: str, key: str) -> tuple[int, str]:
    """Status and deployment that answered the sample request."""
    answer = httpx.post(
        f"http://127.0.0.1:{config.port('router_http')}/{endpoint}/score",
        content=(ROOT / "ml" / "sample-request.json").read_bytes(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        trust_env=False,
        timeout=30.0,
    )
    return answer.status_code, answer.headers.get("azureml-model-deployment", "")


def _registrations(story: Story) -> Iterator[str]:
    """One row per version in the source's slot; in qa's workspace one version each, with the digest."""
    slots = story.inside.ports.store.table("slots")
    keys = [r.key for r in slots.query(slot_id(story.model, "dev"), ranges=[Range("reg~", "reg~~")])]
    expected = [rows.registration_key(v, _created(story, v)) for v, _ in story.expected.dev]
    if keys != expected:
        yield f"registration rows are {keys}, not {expected}"
    for version, _ in story.expected.qa:
        registered = story.inside.workspace("qa").model(story.model, version)
        digest = registered.properties.get(PROPERTY_DIGEST) if registered else None
        if digest != (story.digests[version] if version in story.expected.registered else None):
            yield f"v{version} in qa is registered with digest {digest}"
    free = str(int(story.expected.registered[-1]) + 1)
    if (found := story.inside.workspace("qa").next_version(story.model)) != free:
        yield f"the next free version in qa is {found}, not {free}"


def _created(story: Story, version: str) -> datetime:
    found = story.inside.workspace("dev").model(story.model, version)
    assert found is not None
    return found.created_at


def _told(story: Story, kills: int) -> Iterator[str]:
    """What was sent by a worker that died before it could say so is sent once more, at most, and says so."""
    shown: dict[str, list[str]] = {}
    for card in cards(story.inside.config, story.model):
        shown.setdefault(str(card["fallbackText"]), []).append(json.dumps(card))
    for text, copies in shown.items():
        if len(copies) > 1 + kills or any(REPEATED not in copy for copy in copies[1:]):
            yield f"{len(copies)} cards say {text!r} after {kills} kills: too many, or not marked as repeats"
    sent: dict[str, list[bool]] = {}
    for m in (*story.system.received, *story.system.noticed):
        about = f"{m['kind']} {m.get('notice', '')} v{m['model_version']}"
        sent.setdefault(about, []).append(bool(m["repeat"]))
    for about, marks in sent.items():
        if len(marks) > 1 + kills or not all(marks[1:]):
            yield f"{len(marks)} messages {about} after {kills} kills, marked {marks}"
    for version, _ in story.expected.qa:
        if f"{story.model} {version} waits for approval in qa" not in shown:
            yield f"no card asks about v{version}"
        if not any(m["model_version"] == version for m in story.system.received):
            yield f"no message asks about v{version}"


def _published(story: Story, kills: int) -> Iterator[str]:
    """Each end is an event, of dev too, where nobody is asked; what is sent once more says so."""
    sent: dict[str, list[Any]] = {}
    for event in own.published(story.inside.config):
        if event["data"]["model"] == story.model:
            sent.setdefault(event["id"], []).append(event)
    for name, copies in sent.items():
        marks = [copy["data"]["repeat"] for copy in copies]
        if len(marks) > 1 + kills or not all(marks[1:]):
            yield f"{len(marks)} events {name} after {kills} kills, marked {marks}"
    ends = Counter(copies[0]["subject"] for name, copies in sent.items() if name.endswith(f" {END}"))
    every = (("dev", story.expected.dev), ("qa", story.expected.qa))
    wanted = Counter(f"{story.model}/{env}/{version}" for env, listed in every for version, _ in listed)
    if ends != wanted:
        yield f"ends were published of {dict(ends)}, not {dict(wanted)}"


def _dead(story: Story) -> Iterator[str]:
    letters = DeadLetters(story.inside.ports.store).listed(None, 500, now=story.inside.app.clock.now())
    yield from (f"dead letter: {d.reason}: {d.payload[:200]}" for d in letters if story.model in d.payload)


class _Later:
    """The clock, a while on: what the sweep does once nothing was accepted for long enough."""

    def __init__(self, now: datetime) -> None:
        self._now = now + QUIET + timedelta(minutes=1)

    def now(self) -> datetime:
        return self._now


def _drained(story: Story) -> Iterator[str]:
    """The sweep forgets both slots when it next finds them quiet."""
    inside, store = story.inside, story.inside.ports.store
    index = OpenIndex(store)
    sweep = Sweep(
        ledger=inside.app.ledger,
        index=index,
        sources=Sources(store),
        queues=inside.ports.queues,
        clock=_Later(inside.app.clock.now()),
        source=inside.app.policy.source.name,
        look=inside.app.engine.wake,
    )
    names = [slot_id(story.model, env) for env in ENVIRONMENTS]

    def forgotten() -> bool:
        """The app may write the same row at the same moment: then it is the next sweep that forgets."""
        sweep.run()
        return not any(index.get(name) for name in names)

    try:
        eventually(forgotten, FORGOTTEN_SECONDS, "forgotten by the sweep", SWEEP_SECONDS)
    except AssertionError:
        left = [dataclasses.asdict(row) for name in names if (row := index.get(name))]
        yield f"still in the open index: {json.dumps(left, default=str)}"
