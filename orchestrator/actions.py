"""Perform one action through the ports: one outside call, made once. The next look says what it did."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.asking_by_name import ask_by_name
from orchestrator.bound import deployment_of
from orchestrator.delivering import telling_of
from orchestrator.evidence import FROZEN, SOURCE, keep_manifest, known_manifest
from orchestrator.intake import Intake
from orchestrator.model import Fact, FactKind, Promotion, SlotState
from orchestrator.observe import endpoint_seen
from orchestrator.opening import offer_detail
from orchestrator.ordered import as_ordered, retire, roll_back
from orchestrator.outside import FROZEN_STORE, Outside, names_partition, trouble_of
from orchestrator.replaying import replay
from orchestrator.switching import switch
from orchestrator.traffic import guard
from orchestrator.world import (
    PROPERTY_DIGEST,
    TAG_PROMOTION,
    TAG_SLOT,
    Action,
    Asked,
    Digested,
    Outcome,
    Owner,
    Renumbered,
    Sent,
    Trouble,
    Verb,
)
from shared.clock import Clock
from shared.digest import digest_step, files_below, manifest_digest
from shared.errors import Conflict, Final, Forbidden, GreenlightError, Refused, Unavailable
from shared.model_uri import ModelUri
from shared.names import promotion_id
from shared.ports import CopyState
from shared.store import Insert

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy

DIGEST_BUDGET = 256 * 1024 * 1024
"""Bytes read in one step, if the deadline allows."""


class Actions:
    """One method per verb."""

    def __init__(
        self, outside: Outside, intake: Intake, clock: Clock, *, deadline: timedelta, skew: timedelta
    ) -> None:
        self._outside = outside
        self._intake = intake
        self._clock = clock
        self._deadline = deadline
        self._skew = skew

    def perform(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        """Do it. Failures come back as Trouble; only bugs are raised."""
        by_verb: dict[Verb, Callable[[SlotState, SlotPolicy, Action], Outcome]] = {
            Verb.DIGEST: self._digest,
            Verb.FREEZE: self._freeze,
            Verb.CLAIM_NAME: self._claim_name,
            Verb.NOTIFY: self._notify,
            Verb.REGISTER: self._register,
            Verb.CREATE_ENDPOINT: self._create_endpoint,
            Verb.DEPLOY: self._deploy,
            Verb.PROBE: partial(ask_by_name, self._outside, self._clock, self._deadline),
            Verb.REPLAY: partial(replay, self._outside, self._held, self._clock, self._deadline),
            Verb.WRITE_TRAFFIC: partial(switch, self._outside, self._held),
            Verb.REMOVE: self._remove,
            Verb.MARK: partial(as_ordered, self._outside, self._held),
            Verb.RESTORE: partial(as_ordered, self._outside, self._held),
            Verb.ROLL_BACK: partial(roll_back, self._outside, self._held),
            Verb.RETIRE: partial(retire, self._outside, self._held),
            Verb.OFFER: self._offer,
        }
        try:
            return by_verb[action.verb](state, policy, action)
        except GreenlightError as error:
            return trouble_of(error)

    def _held(self, state: SlotState) -> None:
        """Before a call that changes something outside: will the claim outlive it?

        Nothing can fence a call once it is sent. A worker that was held up since it claimed does not send it.
        """
        claim = state.slot.claim
        if claim is None or self._clock.now() > claim.until - self._deadline - self._skew:
            raise Unavailable("this worker was held up until its claim had nearly passed: it sent nothing")

    # ---- bytes

    def _digest(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        p = state.promotions[action.n]
        workspace = self._outside.workspace(p.registration.workspace)
        container, path = self._outside.files(workspace, p.registration.uri)
        known = known_manifest(self._outside.evidence, _id(p), SOURCE)
        manifest = digest_step(container, path, known, budget=DIGEST_BUDGET, more=self._in_time())
        keep_manifest(self._outside.evidence, _id(p), SOURCE, manifest)
        if not manifest.complete:
            return Digested(complete=False)
        return Digested(complete=True, digest=manifest_digest(manifest), size=manifest.size)

    def _freeze(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        p = state.promotions[action.n]
        source, folder = self._outside.files(
            self._outside.workspace(p.registration.workspace), p.registration.uri
        )
        workspace = self._outside.workspace(policy.env.workspace)
        store = workspace.datastore(FROZEN_STORE)
        target = self._outside.storage.container(store.account, store.container)
        prefix, more = f"{_id(p)}/1", self._in_time()
        there = {blob.name for blob in target.list(f"{prefix}/")}
        for relative, blob in files_below(source, folder):
            if f"{prefix}/{relative}" in there:
                continue
            if not more():
                return Digested(complete=False)
            with contextlib.suppress(
                Conflict
            ):  # a late copy of ours: it overwrites nothing, the digest decides
                target.copy_from(source, blob, f"{prefix}/{relative}")
        if any(blob.copy is CopyState.PENDING for blob in target.list(f"{prefix}/")):
            # looked at later and later, and not for ever: as after a call that did not work
            return Trouble(retry=True, why="storage has not finished copying its files yet")
        known = known_manifest(self._outside.evidence, _id(p), FROZEN)
        manifest = digest_step(target, prefix, known, budget=DIGEST_BUDGET, more=more)
        keep_manifest(self._outside.evidence, _id(p), FROZEN, manifest)
        if not manifest.complete:
            return Digested(complete=False)
        uri = ModelUri(FROZEN_STORE, prefix).uri(workspace.id)
        return Digested(complete=True, digest=manifest_digest(manifest), size=manifest.size, uri=uri)

    def _in_time(self) -> Callable[[], bool]:
        started = self._clock.now()
        return lambda: self._clock.now() - started < self._deadline * 0.7

    # ---- asking

    def _claim_name(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        partition, name = names_partition(policy.env.workspace), policy.endpoint.lower()
        mine = str(state.slot.key)
        try:
            self._outside.names.commit(partition, [Insert(name, {"schema": 1, "slot": mine})])
        except Conflict:
            row = self._outside.names.get(partition, name)
            return Owner(str(row.values.get("slot", "")) if row else "")
        return Owner(mine)

    def _notify(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        self._held(state)
        try:
            self._outside.channels[action.channel](telling_of(state, action))
        except Forbidden:
            raise  # a role may still be spreading
        except Final as error:
            return Sent(accepted=False, why=str(error))
        return Sent(accepted=True)

    # ---- Azure ML

    def _register(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        p = state.promotions[action.n]
        lineage = {
            TAG_PROMOTION: _id(p),
            "greenlight_source_version": p.registration.version,
            "greenlight_run_id": p.registration.run_id,
        }
        self._held(state)
        workspace = self._outside.workspace(policy.env.workspace)
        try:
            workspace.register(
                p.model,
                p.target_version,
                uri=p.frozen,
                type=p.registration.type,
                tags={**p.registration.tags, **lineage},
                properties={
                    PROPERTY_DIGEST: p.digest,
                    "greenlight_source_workspace": p.registration.workspace,
                },
                description=p.registration.description,
            )
        except Refused as error:
            if error.code != "AssetDeleted" or p.candidate:  # a candidate runs the number that it has
                raise
            return Renumbered(p.target_version, _above(workspace.next_version(p.model), p.target_version))
        return Asked()

    def _create_endpoint(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        workspace = self._outside.workspace(policy.env.workspace)
        self._held(state)
        workspace.create_endpoint(policy.endpoint, tags={TAG_SLOT: str(state.slot.key)})
        return Asked()

    def _deploy(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        p = state.promotions[action.n]
        self._held(state)
        instances = deployment_of(state, p.n, policy)
        operation = self._outside.workspace(policy.env.workspace).create_deployment(
            policy.endpoint,
            action.deployment,
            model=(p.model, p.target_version or p.registration.version),
            instance_type=instances.instance_type,
            instance_count=instances.instance_count,
            tags={TAG_SLOT: str(state.slot.key), TAG_PROMOTION: _id(p)},
        )
        return Asked(operation)

    def _remove(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        workspace = self._outside.workspace(policy.env.workspace)
        endpoint = endpoint_seen(workspace, policy.endpoint, state)
        if endpoint is not None:
            refusal = guard(endpoint, state.slot, action)
            if refusal:
                return Trouble(retry=True, why=refusal)
            self._held(state)
            workspace.delete_deployment(policy.endpoint, action.deployment)
        return Asked()

    # ---- the next environment

    def _offer(self, state: SlotState, policy: SlotPolicy, action: Action) -> Outcome:
        p = self._outside.ledger.promotion(state.slot.key, action.n)
        if p is None or not policy.next_env:
            return Asked()
        fact = Fact(
            key=f"offer {_id(p)}",
            kind=FactKind.OFFERED,
            model=p.model,
            env=policy.next_env,
            version=p.registration.version,
            at=p.ended_at or self._clock.now(),
            accepted_at=self._clock.now(),
            by=_id(p),
            detail=offer_detail(p, policy.env.workspace, p.frozen or p.registration.uri),
        )
        self._intake.fact(fact)
        return Asked()


def _above(free: str, gone: str) -> str:
    """A listing does not show what was deleted, so the next free number may be one that is gone."""
    return str(max(int(free), int(gone) + 1)) if gone.isdecimal() else free


def _id(p: Promotion) -> str:
    return promotion_id(p.model, p.env, p.registration.version, p.n)
