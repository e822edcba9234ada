"""The composition root: settings -> a running product. Nothing is connected to until it is used.

`build` is called once per worker process; tests call it with twins.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.actions import Actions
from orchestrator.anchoring import Anchoring
from orchestrator.channel_troubles import ChannelTroubles
from orchestrator.channels import Channels
from orchestrator.collecting import EVERY as COLLECT_EVERY
from orchestrator.collecting import Collecting
from orchestrator.condition import Condition
from orchestrator.control import ControlRow
from orchestrator.deadletters import DeadLetters
from orchestrator.engine import Engine, Pacing
from orchestrator.golden import check_files
from orchestrator.healing import Healing, how_often
from orchestrator.index import PARTITION, OpenIndex
from orchestrator.intake import Intake
from orchestrator.ledger import Ledger
from orchestrator.notifying import everybodys, patience, single_persons
from orchestrator.operating import Operating
from orchestrator.outside import Outside
from orchestrator.personal import people_of
from orchestrator.policy_file import policy_of, read_policy
from orchestrator.recorded import check_recorded
from orchestrator.sources import Sources
from orchestrator.sweep import Sweep
from orchestrator.wakes import Wakes
from shared.asking import Asking
from shared.azure import credential
from shared.blobs import Storage
from shared.clock import Clock, SystemClock
from shared.errors import Invalid
from shared.links import Links
from shared.metrics import AzureMonitor
from shared.notify.eventgrid import EventTopics, Publish
from shared.notify.teams import PostCard, post_card
from shared.ports import ContainerPort, MetricsPort, RunsPort, ScoringPort, StoragePort, Workspaces
from shared.queues import AzureQueues, QueuePort
from shared.runs import Runs
from shared.scoring import Scoring
from shared.settings import Settings, read
from shared.store import AzureStore, StorePort
from shared.workspaces import opener

if TYPE_CHECKING:
    from orchestrator.policy import Policy
    from orchestrator.web.app import WebApp
    from orchestrator.web.http import WebResponse

ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = "evidence"
ANCHORS = "anchors"
UNDELIVERED = "eventgrid-deadletter"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What the product is plugged into."""

    store: StorePort
    queues: QueuePort
    workspaces: Workspaces
    storage: StoragePort
    evidence: ContainerPort
    anchors: ContainerPort
    undelivered: ContainerPort
    """Where Event Grid puts events that it could not deliver."""
    scoring: ScoringPort
    runs: RunsPort
    clock: Clock
    post: PostCard = post_card
    """Hands a card to a Teams webhook."""
    publish: Publish | None = None
    """Hands events to a topic."""
    metrics: MetricsPort | None = None


@dataclass(frozen=True, kw_only=True)
class App:
    """The product, put together."""

    settings: Settings
    policy: Policy
    intake: Intake
    engine: Engine
    healing: Healing
    sweep: Sweep
    anchoring: Anchoring
    ledger: Ledger
    links: Links
    dead: DeadLetters
    channels: Channels
    operating: Operating
    condition: Condition
    clock: Clock


def build(settings: Settings, policy: Policy, ports: Ports, root: Path = ROOT) -> App:
    """Put the product together. Makes no request. Raises Invalid for a file of the policy that is wrong."""
    check_files(root, policy)
    check_recorded(root, policy)
    ledger = Ledger(ports.store, settings.journal_key)
    index = OpenIndex(ports.store, grace=settings.claim_for / 2)
    sources, dead = Sources(ports.store), DeadLetters(ports.store)
    wakes, links, clock = Wakes(ports.queues), Links(settings.link_keys, clock=ports.clock), ports.clock
    intake = Intake(
        policy=policy, ledger=ledger, index=index, sources=sources, dead=dead, wakes=wakes, clock=clock
    )
    anchoring = Anchoring(ledger=ledger, container=ports.anchors, wakes=wakes, clock=clock)
    collecting = Collecting(
        container=ports.undelivered, dead=dead, clock=clock, every=COLLECT_EVERY / settings.pace
    )
    shared = everybodys(settings, links, ports.queues, ports.post, ports.publish)
    personal = single_persons(settings, policy, links, ports.post)
    troubles = ChannelTroubles(ports.store, clock, pace=settings.pace)
    outside = Outside(
        policy=policy,
        ledger=ledger,
        workspaces=ports.workspaces,
        storage=ports.storage,
        evidence=ports.evidence,
        scoring=ports.scoring,
        runs=ports.runs,
        names=ports.store.table("endpoints"),
        channels={name: troubles.watch(name, give) for name, give in {**shared, **personal}.items()},
        root=root,
        metrics=ports.metrics,
    )
    engine = Engine(
        outside=outside,
        ledger=ledger,
        index=index,
        wakes=wakes,
        actions=Actions(outside, intake, clock, deadline=settings.deadline, skew=settings.skew),
        clock=clock,
        pacing=Pacing(settings.claim_for, settings.pace, tuple(shared)),
    )
    return App(
        settings=settings,
        policy=policy,
        intake=intake,
        engine=engine,
        healing=Healing(
            outside=outside, sources=sources, intake=intake, wakes=wakes, clock=clock, pace=settings.pace
        ),
        sweep=Sweep(
            ledger=ledger,
            index=index,
            sources=sources,
            queues=ports.queues,
            clock=clock,
            source=policy.source.name,
            look=engine.wake,
            resend=settings.claim_for * 2,
            heal_every=how_often(policy) / settings.pace,
            origin=policy.registry,
            chores={"anchors": anchoring.due, "dead letters of Event Grid": collecting.run},
        ),
        anchoring=anchoring,
        ledger=ledger,
        links=links,
        dead=dead,
        channels=Channels(
            registered=policy.file.channels,
            intake=intake,
            dead=dead,
            queues=ports.queues,
            clock=clock,
            parking_key=settings.journal_key,
        ),
        operating=Operating(
            policy=policy,
            ledger=ledger,
            intake=intake,
            control=ControlRow(ports.store, PARTITION),
            dead=dead,
            wakes=wakes,
            clock=clock,
        ),
        condition=Condition(
            settings=settings,
            policy=policy,
            sources=sources,
            troubles=troubles,
            queues=ports.queues,
            clock=clock,
        ),
        clock=clock,
    )


def azure_ports(settings: Settings) -> Ports:
    """The real ports, by identity."""
    identity, deadline = credential(settings.cloud), settings.deadline.total_seconds()
    clock = SystemClock()
    storage = Storage(settings.cloud, identity, clock, timeout=deadline)

    state_account = settings.blob_endpoint.removeprefix("https://").partition(".")[0]
    return Ports(
        store=AzureStore(settings.table_endpoint, identity, deadline=deadline),
        queues=AzureQueues(settings.queue_endpoint, identity, deadline=deadline),
        workspaces=opener(settings.cloud, identity, timeout=deadline),
        storage=storage,
        evidence=storage.container(state_account, EVIDENCE),
        anchors=storage.container(state_account, ANCHORS),
        undelivered=storage.container(state_account, UNDELIVERED),
        scoring=Scoring(settings.cloud),
        runs=Runs(settings.cloud, identity, timeout=deadline),
        metrics=AzureMonitor(settings.cloud, identity, pace=settings.pace, timeout=deadline),
        clock=clock,
        publish=EventTopics(Asking(identity, timeout=patience(settings))),
    )


@cache
def app() -> App:
    """The product of this process, from its environment. Raises Invalid when something in it is wrong."""
    settings = read(os.environ)
    path = ROOT / settings.config
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"GREENLIGHT_CONFIG: cannot read {settings.config}: {error.strerror}") from error
    product = build(settings, read_policy(text, os.environ), azure_ports(settings))
    product.condition.say()
    return product


@cache
def web() -> WebApp:
    """The pages and the API of this process."""
    return web_of(app())


def not_running(error: Invalid, url: str, headers: Mapping[str, str]) -> WebResponse:
    """The answer to any request while `app` raises this."""
    from orchestrator.web import health

    signed_in = os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"
    tenant = os.environ.get("GREENLIGHT_TENANT", "").strip()
    return health.not_running(error, urlsplit(url).path, headers, auth_enabled=signed_in, tenant=tenant)


def web_of(product: App) -> WebApp:
    """Pages and API over a product. Templates are loaded only where pages are served."""
    from orchestrator.planning import Planning
    from orchestrator.web.app import WebApp
    from orchestrator.web.visit import Services, Site

    settings = product.settings
    site = Site(
        base_url=settings.base_url,
        auth_enabled=settings.auth_enabled,
        environments=product.policy.environments,
        tenant=settings.tenant,
        personal={name: people_of(product.policy, name) for name in product.policy.environments},
    )
    services = Services(
        ledger=product.ledger,
        deadletters=product.dead,
        voting=product.intake,
        operating=product.operating,
        planning=Planning(policy=product.policy, ledger=product.ledger, read=policy_of),
        links=product.links,
        condition=product.condition,
    )
    return WebApp(site=site, services=services, clock=product.clock)
