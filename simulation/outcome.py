"""What a run left behind, told so that two runs can be compared: names that carry times are left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.journal import verify
from orchestrator.model import SlotKey, SlotState
from orchestrator.world import PROPERTY_DIGEST
from shared.links import Links
from shared.names import slot_id
from simulation.place import SETTINGS, Place
from simulation.twins.online import TwinEndpoint

_REVIEW = re.compile(r"/review/([^'\"?#]+)")
_PAGE = re.compile(r"/promotions/([^'\"?#]+)")
_HEAD = re.compile(r"'text': '([^']+)'")


def outcome(place: Place) -> dict[str, Any]:
    """The world and the tables, as somebody who knows nothing of the way there would compare them."""
    ledger = place.ledger()
    told: dict[str, Any] = {
        "registered": sorted(
            (env, name, version, model.properties.get(PROPERTY_DIGEST, ""))
            for env, workspace in place.workspaces.items()
            for (name, version), model in workspace.models.items()
        ),
        "letters": sorted(x.reason for x in _dead(place)),
    }
    for key in ledger.slot_keys(limit=10_000)[0]:
        loaded = ledger.load(key)
        told[str(key)] = None if loaded is None else _slot(place, key, loaded.state)
    return told


def differences(ended: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    """Where one outcome is not the other."""
    for name in sorted(expected.keys() | ended.keys()):
        if ended.get(name) != expected.get(name):
            yield f"{name} is {ended.get(name)}, undisturbed {expected.get(name)}"


def _slot(place: Place, key: SlotKey, state: SlotState) -> dict[str, Any]:
    ledger, slot = place.ledger(), state.slot
    endpoint = endpoint_of(place, key)
    models = {d.name: d.model[1] for d in endpoint.deployments.values()} if endpoint else {}
    facts = [k for k in place.store.table("slots").rows.get(slot_id(*key), {}) if k.startswith("in~")]
    return {
        "serving": slot.serving and (slot.serving.version, slot.serving.digest),
        "traffic": {models[name]: w for name, w in endpoint.traffic.items()} if endpoint else None,
        "deployments": sorted((d.model[1], d.state) for d in endpoint.deployments.values())
        if endpoint
        else None,
        "ends": [
            (p.n, p.registration.version, p.verdict, p.reason)
            for p in sorted(ledger.promotions(key, limit=1000), key=lambda p: p.n)
            if p.verdict
        ],
        "open": [(n, p.registration.version, p.phase, p.asks) for n, p in state.promotions.items()],
        "slot": (slot.mover, slot.hold, slot.pending, len(slot.retiring), slot.offering, slot.claim),
        "ordered": (slot.rollback, slot.retirement, slot.previous and slot.previous.version),
        "facts": sorted(facts),
        "journal": journal_problems(place, key),
    }


def journal_problems(place: Place, key: SlotKey) -> list[str]:
    loaded = place.ledger().slot_row(key)
    if loaded is None:
        return []
    rows = place.ledger().journal(key, limit=100_000)
    slot = loaded.state.slot
    return verify(slot_id(*key), rows, slot.seq, slot.head, SETTINGS.journal_key)


def asks(place: Place, key: SlotKey) -> bool:
    """Is somebody asked to decide here?"""
    loaded = place.ledger().load(key)
    if loaded is None:
        return False
    return loaded.state.slot.foreign is not None or any(p.trouble for p in loaded.state.promotions.values())


def left_wrong(place: Place, key: SlotKey) -> Iterator[str]:
    """What may not be left behind even where a call came late: it is neither as recorded nor asked about."""
    loaded = place.ledger().load(key)
    if loaded is None:
        return
    state, endpoint = loaded.state, endpoint_of(place, loaded.state.slot.key)
    slot = state.slot
    if endpoint is None:
        if slot.serving and not asks(place, key):
            yield f"{key}: the endpoint is gone, and nobody was asked"
        return
    if slot.serving and slot.serving.deployment not in endpoint.deployments:
        yield f"{key}: what serves is gone"
    if slot.serving and endpoint.traffic != {slot.serving.deployment: 100} and not asks(place, key):
        yield f"{key}: traffic {endpoint.traffic}, recorded {slot.serving.deployment}, and nobody was asked"
    known = {slot.serving.deployment if slot.serving else "", *slot.retiring, *slot.orphans}
    known |= {p.candidate for p in state.promotions.values()}
    yield from (f"{key}: nobody knows of {name}" for name in endpoint.deployments.keys() - known)


def endpoint_of(place: Place, key: SlotKey) -> TwinEndpoint | None:
    policy = place.pipeline.policy().slot(*key)
    return place.workspaces[key.env].online.find(policy.endpoint) if policy else None


def notices(place: Place) -> Counter[str]:
    """How often each notice was given, by channel."""
    told = Counter(f"queue {m['id']}" for m in _messages(place))
    told.update(f"card {_card(place, card)}" for card in place.cards)
    told.update(f"event {event['id']}" for event in place.events)
    return told


def unmarked(place: Place) -> Counter[str]:
    """How often each notice was given as if for the first time."""
    told = Counter(f"queue {m['id']}" for m in _messages(place) if not m["repeat"])
    told.update(f"card {_card(place, card)}" for card in place.cards if "Repeated:" not in str(card))
    told.update(f"event {e['id']}" for e in place.events if not e["data"]["repeat"])
    return told


def _messages(place: Place) -> list[dict[str, Any]]:
    return place.queues.parsed("approval-requests")


def _card(place: Place, card: Mapping[str, Any]) -> str:
    """What the card is about: the request by its link, or the promotion and the headline."""
    found = _REVIEW.findall(str(card))
    if found:
        ref = Links(SETTINGS.link_keys, clock=place.clock).open_review(found[0])
        return f"{ref.promotion} {ref.k} {_HEAD.findall(str(card))[0]}"
    return f"{_PAGE.findall(str(card))[0]} {_HEAD.findall(str(card))[0]}"


def _dead(place: Place) -> list[Any]:
    from orchestrator.deadletters import DeadLetters

    return DeadLetters(place.store).listed(None, 1000, now=place.clock.now())
