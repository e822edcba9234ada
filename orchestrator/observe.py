"""Fetch the one fact that the current goal names. No decision is made here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.evidence import FROZEN, SOURCE, known_manifest
from orchestrator.health import HealthSeen, Sample
from orchestrator.model import Promotion, SlotState
from orchestrator.outside import FROZEN_STORE, Outside, names_partition
from orchestrator.recalling import recalled, registration_of
from orchestrator.seen import DeploymentSeen
from orchestrator.surveying import survey
from orchestrator.votes import object_id
from orchestrator.world import (
    PROPERTY_DIGEST,
    TAG_SLOT,
    EndpointSeen,
    Look,
    RunSeen,
    Sight,
    SourceSeen,
    TargetSeen,
)
from shared.digest import unchanged
from shared.errors import GreenlightError, Invalid
from shared.model_uri import ModelUri
from shared.names import promotion_id
from shared.ports import DeploymentHealth, WorkspaceId, WorkspacePort

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy

log = logging.getLogger("greenlight.observe")


def observe(outside: Outside, state: SlotState, policy: SlotPolicy, look: Look, now: datetime) -> object:
    """The fact that `look` names. Raises what shared.errors says."""
    workspace = outside.workspace(policy.env.workspace)
    match look.sight:
        case Sight.SOURCE:
            return _source(outside, state, workspace, look.arg)
        case Sight.ORIGIN | Sight.PAST:
            return recalled(outside, state, look)
        case Sight.RUN:
            return _run(outside, look.arg)
        case Sight.NAME:
            return _owner(outside, policy)
        case Sight.ENDPOINT:
            return endpoint_seen(workspace, policy.endpoint, state)
        case Sight.TARGET | Sight.FREE_VERSION:
            name, free = state.slot.model, look.sight is Sight.FREE_VERSION
            return workspace.next_version(name) if free else target_seen(workspace, name, look.arg)
        case Sight.HEALTH:
            return health_seen(outside, state, policy, state.promotions[int(look.arg)], now)
        case Sight.NAMESAKE | Sight.MODEL_FILE | Sight.CAPACITY | Sight.RIGHTS:
            return survey(outside, state, policy, look)
        case Sight.FROZEN:
            return files_intact(outside, workspace, state.promotions[int(look.arg)])


def _run(outside: Outside, run_id: str) -> RunSeen:
    source = outside.workspace(outside.policy.source.workspace)
    run = outside.runs.run(source.tracking_uri(), run_id)
    return RunSeen(dict(run.metrics), object_id(run.owner)) if run else RunSeen({})


def _owner(outside: Outside, policy: SlotPolicy) -> str:
    row = outside.names.get(names_partition(policy.env.workspace), policy.endpoint.lower())
    return str(row.values.get("slot", "")) if row else ""


def endpoint_seen(workspace: WorkspacePort, name: str, state: SlotState) -> EndpointSeen | None:
    """The endpoint with its deployments; operations that promotions remember tell why one failed."""
    endpoint = workspace.endpoint(name)
    if endpoint is None:
        return None
    operations = {p.candidate: p.operation for p in state.promotions.values() if p.operation}
    deployments = workspace.deployments(name, operations)
    return EndpointSeen(
        name=endpoint.name,
        state=endpoint.state,
        traffic=dict(endpoint.traffic),
        tags=dict(endpoint.tags),
        deployments={
            d.name: DeploymentSeen(
                d.name, d.state, d.error, d.model, d.tags.get(TAG_SLOT, ""), d.instance_type, d.instance_count
            )
            for d in deployments
        },
        mirror=dict(endpoint.mirror),
    )


def _source(outside: Outside, state: SlotState, workspace: WorkspacePort, version: str) -> SourceSeen:
    model = workspace.model(state.slot.model, version)
    if model is None:
        return SourceSeen(None, known=False)
    registration = registration_of(model, str(workspace.id))
    return SourceSeen(registration, outside.ledger.knows(state.slot.key, registration), model.archived)


def target_seen(workspace: WorkspacePort, name: str, version: str) -> TargetSeen | None:
    """A version in the slot's own workspace."""
    model = workspace.model(name, version)
    if model is None:
        return None
    try:
        uri = ModelUri.parse(model.uri, workspace.id).uri(workspace.id)
    except Invalid:  # somebody else's registration: comparable only as text
        uri = model.uri
    return TargetSeen(model.version, uri, model.properties.get(PROPERTY_DIGEST, ""), model.archived)


def files_intact(outside: Outside, workspace: WorkspacePort, p: Promotion) -> bool:
    """Are the files that the candidate runs still those that were digested? The first environment deploys
    in place; a later one from its frozen copy.
    """
    if not p.frozen:
        promotion = promotion_id(p.model, p.env, p.registration.version, p.n)
        source = outside.workspace(p.registration.workspace)
        return unchanged(
            *outside.files(source, p.registration.uri), known_manifest(outside.evidence, promotion, SOURCE)
        )
    store = workspace.datastore(FROZEN_STORE)
    place = ModelUri.parse(p.frozen, workspace.id)
    froze = place.path.partition("/")[0]  # a way back serves from the copy of whoever was approved
    manifest = known_manifest(outside.evidence, froze, FROZEN)
    return unchanged(outside.storage.container(store.account, store.container), place.path, manifest)


def health_seen(
    outside: Outside, state: SlotState, policy: SlotPolicy, p: Promotion, now: datetime
) -> HealthSeen:
    """Candidate and stable since the step began. A source that cannot say is no reason to stop looking."""
    since, serving = p.step_at or now, state.slot.serving
    names = [p.candidate, *([serving.deployment] if serving else [])]
    workspace = WorkspaceId.parse(policy.env.workspace)
    found: Mapping[str, DeploymentHealth] | None = None
    try:
        if outside.metrics is not None:
            found = outside.metrics.health(workspace, policy.endpoint, names, since, now)
    except GreenlightError as error:
        log.warning("metrics of %s: %s", policy.endpoint, error)
    samples = {
        name: Sample(requests=told.requests, errors=dict(told.errors), p95_ms=told.p95_ms)
        for name, told in (found or {}).items()
    }
    return HealthSeen(
        candidate=samples.get(p.candidate, Sample()),
        stable=samples.get(serving.deployment, Sample()) if serving else None,
        since=since,
        until=now,
        known=found is not None,
    )
