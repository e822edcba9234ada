"""The list of checks, and the run of all of them over a set of ports."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from orchestrator.doctor import (
    beginning,
    look_azure,
    look_people,
    look_registry,
    look_storage,
    look_topic,
    rights,
)
from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from orchestrator.doctor.rights import Caller
from orchestrator.doctor.running import Check, Checked, run, within
from orchestrator.doctor.scene import STORAGE_SCOPE, Scene
from orchestrator.doctor.storing import Kind
from shared.errors import GreenlightError

if TYPE_CHECKING:
    from orchestrator.app import Ports
    from shared.asking import Ask
    from shared.settings import Settings

NAMES = (
    *("settings", "greenlight.yaml", "identity", "workspace", "rights", "tables", "queues", "containers"),
    *("registry", "events", "own topic", "copies", "endpoint names", "quota", "webhooks", "keys"),
    *("clocks", "sign-in"),
)
"""Of all checks, in their order."""
Token = Callable[[str], str]
SIGNED_IN = "a token for Azure"
"""Whoever is not signed in learns it once: each look would try every way to sign in anew."""
_STORAGE = "GREENLIGHT_STORAGE__"
_ENDPOINTS = {Kind.TABLE: "table", Kind.QUEUE: "queue", Kind.CONTAINER: "blob"}


def examine(
    *,
    variables: Mapping[str, str],
    root: Path,
    connect: Callable[[Settings], tuple[Ports, Ask, Token]],
    principal: str = "",
    seconds: float = 120.0,
    only: Collection[str] = (),
) -> tuple[list[Checked], str]:
    """Everything that was looked at, and who looked. `connect`: the ports for these settings. `only`: names
    of checks; none: all of them."""
    names = beginning.names_of(variables, principal)
    read = beginning.settings(variables, names)
    policy = beginning.policy(root, read.settings.config, variables)
    ports, ask, token = connect(read.settings)
    caller = within(seconds / 4, lambda: _caller(token, read.settings))
    first = [
        Check("settings", "", lambda: read.findings),
        Check("greenlight.yaml", "", lambda: (policy,) if isinstance(policy, Finding) else ()),
        Check("identity", "", lambda: _identity(caller, token, read.settings, names), _needs("TENANT")),
    ]
    who = "" if isinstance(caller, Unseen) else str(caller)
    if isinstance(policy, Finding):
        unseen = Unseen("without greenlight.yaml nobody knows what belongs together")
        rest = Check("everything else", "", lambda: (unseen.finding("everything else"),))
        asked = [each for each in first if not only or each.name in only]
        hidden = not only or set(only) - {each.name for each in first}
        return run([*asked, rest] if hidden else asked, seconds, read.broken), who
    scene = Scene(
        settings=read.settings,
        policy=policy,
        ports=ports,
        ask=ask,
        caller=caller,
        names=names,
        variables=variables,
        site=beginning.site_of(variables),
        principal=principal,
    )
    wanted = [each for each in (*first, *checks(scene)) if not only or each.name in only]
    unsigned = {SIGNED_IN} if isinstance(caller, Unseen) else set[str]()
    return run(wanted, seconds, read.broken | unsigned), who


def checks(scene: Scene) -> Iterator[Check]:
    arm = _needs("ARM_ENDPOINT") | {SIGNED_IN}
    for env in scene.environments:
        yield Check("workspace", env.name, partial(look_azure.workspace, scene, env), arm)
        yield Check("rights", env.name, partial(look_azure.roles, scene, env), arm)
    for kind in Kind:
        needs = frozenset({f"{_STORAGE}{_ENDPOINTS[kind]}ServiceUri", SIGNED_IN})
        yield Check(f"{kind}s", scene.account, partial(look_storage.state, scene, kind), needs)
    blobs = frozenset({f"{_STORAGE}blobServiceUri"})
    if scene.principal and not scene.as_app:
        yield Check("rights", scene.account, partial(look_azure.state_roles, scene), arm | blobs)
    if scene.policy.registry:  # it raises no events, and what the workspace registers is not looked at
        needs = arm | _needs("REGISTRY_DISCOVERY", "REGISTRY_HOSTS")
        yield Check("registry", scene.policy.registry, partial(look_registry.source, scene), needs)
    else:
        yield Check("events", scene.environments[0].name, partial(look_azure.event_grid, scene), arm | blobs)
    yield Check("own topic", "", partial(look_topic.topic, scene), arm | _needs("EVENTS_TOPIC"))
    for env in scene.environments[1:]:
        yield Check("copies", env.name, partial(look_storage.copies, scene, env), arm)
    tables = frozenset({f"{_STORAGE}tableServiceUri"})
    yield Check("endpoint names", "", partial(look_storage.names, scene), arm | tables)
    for env in scene.environments:
        yield Check("quota", env.name, partial(look_azure.room, scene, env), arm)
    yield Check("webhooks", "", partial(look_people.hooks, scene), _needs("TEAMS_WEBHOOK"))
    yield Check("keys", "", partial(look_people.keys, scene), _needs("LINK_KEYS", "JOURNAL_KEY"))
    yield Check("clocks", "", partial(look_people.clocks, scene), _needs("SKEW_SECONDS", "BASE_URL"))
    yield Check("sign-in", "", partial(look_people.front, scene), _needs("BASE_URL"))


def _needs(*names: str) -> frozenset[str]:
    return frozenset(f"GREENLIGHT_{name}" for name in names)


def _caller(token: Token, settings: Settings) -> Caller | Unseen:
    """Who asks, by the token's own words: nothing is proven by it, and nothing decided."""
    try:
        text = token(f"{settings.cloud.arm.rstrip('/')}/.default")
    except GreenlightError as error:
        return Unseen(str(error), "az login")
    try:
        payload = text.split(".")[1]
        claims: object = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return Unseen("the token does not say whose it is", "az login")
    return Caller.of(cast("Mapping[str, Any]", claims if isinstance(claims, dict) else {}))


def _identity(caller: Caller | Unseen, token: Token, settings: Settings, names: Names) -> Iterator[Finding]:
    if isinstance(caller, Unseen):
        yield Finding(code=Code.NO_TOKEN, where="identity", wrong=caller.why, mend=caller.mend)
        return
    yield from rights.judge_caller(caller, settings.tenant, names)
    try:
        token(STORAGE_SCOPE)
    except GreenlightError as error:
        wrong = f"{caller} gets no token for storage: {error}"
        yield Finding(code=Code.NO_TOKEN, where="identity", wrong=wrong, mend="az login")
