"""Faults told to the local cloud: rules in `<home>/faults.json`, consulted by services as things happen.

A rule is a flat JSON object: `on` names the kind of happening, keys that describe the happening must match
(shell patterns, compared as text), the remaining keys say what goes wrong. Every kind and every key is
declared in KINDS, so that a misspelt rule is refused instead of never matching.

    faults.add(config, {"on": "score", "workspace": "qa", "model": "titanic", "version": "4", "status": 500})
    faults.add(config, {"on": "arm", "method": "PUT", "path": "*/onlineEndpoints/*", "status": 503})

Common keys: `times` (how often it fires at most), `skip` (matching happenings let through first) and
`chance` with `seed` (fires for a reproducible share of the matches).
"""

from __future__ import annotations

import asyncio
import fcntl
import fnmatch
import json
import os
import random
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.config import LocalConfig

Rule = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What a rule of this kind may be matched on, and which effects it may ask for."""

    match: frozenset[str]
    effects: frozenset[str]


def _kind(match: str, effects: str) -> Kind:
    return Kind(frozenset(match.split()), frozenset(effects.split()))


KINDS = {
    # A request to the Azure ML control plane. `delay`: seconds before it is handled; `status` (+ `code`,
    # `message`, `retry_after`): refused instead; `lost`: handled, then the connection is cut; `late`: the
    # connection is cut now and the request handled so many seconds later; `held`: see HELD.
    "arm": _kind("method path workspace oid", "delay status code message retry_after lost late held"),
    # A post to the Teams webhook; `text`: the plain words of its first card.
    "teams": _kind("text", "held"),
    # A long-running operation of an endpoint. `seconds`: takes that much longer; `code` (+ `message`): fails;
    # `updating_after`: reads still say Updating for so long after it has succeeded.
    "operation": _kind(
        "verb workspace endpoint deployment model version", "seconds code message updating_after"
    ),
    # A read of an endpoint within `stale` seconds of a change of its weights still shows the old ones.
    "traffic_read": _kind("workspace endpoint", "stale"),
    # Creation of an endpoint whose name somebody else in the region owns.
    "endpoint_name": _kind("workspace endpoint", "status code message"),
    # Cores that a subscription may use of one VM family, seen from a workspace.
    "quota": _kind("workspace family", "cores"),
    # What a caller's roles grant on a workspace: lists of actions.
    "rights": _kind("workspace oid", "actions not_actions"),
    # The list of system topics: another one, of this name, has the workspace as its source, too.
    "system_topics": _kind("workspace", "second"),
    # The list of role assignments: this one is not in it.
    "role": _kind("principal role scope", "absent"),
    # A scoring process, told when it starts. `status`: every answer; `delay`: seconds per request; `rubbish`:
    # 200 with an answer that is none; `share`: of the requests only; `live`: only those that traffic
    # brought (no copies, none by name); `after`: not the first so many of them;
    # `crash`: it dies at the start, or at the request that `after` lets come first.
    "score": _kind(
        "workspace endpoint deployment model version", "status delay rubbish share live after crash"
    ),
    # Delivery of one event by Event Grid.
    "event": _kind("topic subject eventType subscription", "delay drop duplicate status"),
}
HELD = ("before", "after")
"""On this side of being executed a request stays until its rule is removed; it is never answered."""
HELD_LOOK_SECONDS = 0.01
COMMON = frozenset({"on", "id", "times", "skip", "chance", "seed", "seen", "fired", "holds"})


class UnknownFaultError(ValueError):
    """The rule names a kind or key that nothing would ever look at."""


def _path(config: LocalConfig) -> Path:
    return config.home / "faults.json"


@contextmanager
def _locked(config: LocalConfig) -> Iterator[list[Rule]]:
    """The rules, under a lock that all processes share; what the block leaves in the list is written back."""
    config.home.mkdir(parents=True, exist_ok=True)
    with (config.home / "faults.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rules = load(config)
        before = json.dumps(rules)
        yield rules
        after = json.dumps(rules, indent=1)
        if json.dumps(rules) != before:
            temporary = _path(config).with_suffix(f".{os.getpid()}")
            temporary.write_text(after)
            temporary.replace(_path(config))


def load(config: LocalConfig) -> list[Rule]:
    """Every rule in force, oldest first."""
    path = _path(config)
    return json.loads(path.read_text()) if path.exists() else []


def add(config: LocalConfig, rule: Rule) -> str:
    """Put a rule in force and return its id."""
    kind = KINDS.get(str(rule.get("on")))
    if kind is None:
        raise UnknownFaultError(f"no fault kind {rule.get('on')!r}; there are {', '.join(KINDS)}")
    unknown = set(rule) - COMMON - kind.match - kind.effects
    if unknown:
        raise UnknownFaultError(
            f"a fault on {rule['on']!r} knows {', '.join(sorted(kind.match | kind.effects))}, "
            f"not {', '.join(sorted(unknown))}"
        )
    if rule.get("held", HELD[0]) not in HELD:
        raise UnknownFaultError(f"a request is held {' or '.join(HELD)}, not {rule['held']!r}")
    with _locked(config) as rules:
        taken = {r["id"] for r in rules}
        name = str(rule.get("id") or next(f"f{n}" for n in range(1, len(rules) + 2) if f"f{n}" not in taken))
        rules[:] = [r for r in rules if r["id"] != name]
        rules.append({**rule, "id": name, "seen": 0, "fired": 0})
    return name


def remove(config: LocalConfig, rule_id: str) -> None:
    """Lift one rule; nothing happens if it is not in force."""
    with _locked(config) as rules:
        rules[:] = [r for r in rules if r["id"] != rule_id]


def clear(config: LocalConfig) -> None:
    """Lift every rule."""
    with _locked(config) as rules:
        rules.clear()


async def hold(config: LocalConfig, rule_id: str) -> None:
    """Say that the request is there now, and keep it until somebody lifts the rule."""
    with _locked(config) as rules:
        for rule in rules:
            if rule["id"] == rule_id:
                rule["holds"] = True
    while any(r["id"] == rule_id for r in load(config)):
        await asyncio.sleep(HELD_LOOK_SECONDS)


def holds(config: LocalConfig, rule_id: str) -> bool:
    """Is a request held by this rule?"""
    return any(r["id"] == rule_id and r.get("holds") for r in load(config))


def take(config: LocalConfig, on: str, **facts: str | None) -> Rule | None:
    """The first rule that fires for this happening, counted as fired; None if all is well."""
    if not any(_matches(r, on, facts) for r in load(config)):
        return None  # the usual case needs no lock
    with _locked(config) as rules:
        return next((dict(r) for r in rules if _matches(r, on, facts) and _fires(r)), None)


def _matches(rule: Rule, on: str, facts: dict[str, str | None]) -> bool:
    if rule["on"] != on:
        return False
    wanted = KINDS[on].match & rule.keys()
    return all(fnmatch.fnmatchcase(str(facts.get(key) or ""), str(rule[key])) for key in wanted)


def _fires(rule: Rule) -> bool:
    """Count the match; the draw depends on seed and count only, so a run can be repeated."""
    rule["seen"] += 1
    if rule["seen"] <= int(rule.get("skip", 0)):
        return False
    if rule["fired"] >= int(rule.get("times", rule["fired"] + 1)):
        return False
    draw = random.Random(f"{rule.get('seed', 0)}/{rule['seen']}").random()  # noqa: S311 - not a secret
    if draw >= float(rule.get("chance", 1)):
        return False
    rule["fired"] += 1
    return True
