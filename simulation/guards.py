"""What must hold whenever the product changes something outside: design invariants S1 to S5 and S8.

The guards see the true state of the platform, which the product cannot, and read the tables behind its back.
A call that its worker sent under a claim and that arrives after it (`late`) cannot be fenced: then the rules
hold that need no claim.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from orchestrator import rows
from orchestrator.approval import RequestState
from orchestrator.bound import plan_of
from orchestrator.model import Promotion, Slot, SlotKey
from orchestrator.votes import tally
from orchestrator.world import TAG_SLOT
from shared.digest import Manifest, digest_step, manifest_digest
from shared.model_uri import ModelUri
from shared.names import slot_id
from simulation.outcome import endpoint_of
from simulation.place import ENVIRONMENTS, Place
from simulation.seams import Call
from simulation.twins.online import TwinEndpoint

T = TypeVar("T")
_PROMOTION = re.compile(r"p~\d{10}")


class Guards:
    """Watches the writes of the product. `problems`: every rule that one of them broke."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.problems: list[str] = []
        self._removed: set[tuple[SlotKey, str]] = set()
        self._left: dict[tuple[SlotKey, str], datetime] = {}
        """Since when a deployment that served has no traffic, by our own write in time."""
        self._digests: dict[tuple[tuple[str, str], ...], str] = {}

    def watch(self, call: Call, effect: Callable[[], T], *, late: bool = False) -> T:
        """Do `effect`, and judge what the platform took on of it."""
        if call.port not in ENVIRONMENTS or not call.writes:
            return effect()
        workspace = self.place.workspaces[call.port]
        name = call.about.partition(" ")[0]
        before, done = copy.deepcopy(workspace.online.find(name)), len(workspace.accepted)
        try:
            return effect()
        finally:
            for what in workspace.accepted[done:]:
                self._judge(call, before, what, late=late)

    def _judge(self, call: Call, before: TwinEndpoint | None, what: tuple[str, ...], *, late: bool) -> None:
        operation, name = what[0], what[1]
        if operation == "register":
            return
        key = SlotKey(self.place.model_of(name), call.port)
        slot = self._slot(key)
        if slot is None:
            self._broken("S6", call, "nothing is known of this slot")
            return
        if not late and (slot.claim is None or slot.claim.until <= self.place.clock.now()):
            self._broken("S5", call, "no claim stands")
        if operation == "write_traffic":
            told = [part.partition("=") for part in what[2].split()]
            weights = {d: int(w) for d, _, w in told if not d.startswith("mirror:")}
            copies = {d.removeprefix("mirror:"): int(w) for d, _, w in told if d.startswith("mirror:")}
            self._traffic(call, key, slot, before, weights, late=late)
            self._along_the_plan(call, key, slot, weights, copies, late=late)
        elif operation == "delete_deployment":
            self._removal(call, key, slot, before, what[2])
        elif operation == "create_deployment":
            self._deployment(call, key, slot, what[2], late=late)
        elif operation == "delete_endpoint":
            self._retirement(call, key, slot, before, name, late=late)

    # ---- by operation

    def _traffic(
        self,
        call: Call,
        key: SlotKey,
        slot: Slot,
        before: TwinEndpoint | None,
        weights: dict[str, int],
        *,
        late: bool,
    ) -> None:
        endpoint = endpoint_of(self.place, key)
        assert endpoint is not None
        states = {name: endpoint.deployments[name].state for name, w in weights.items() if w}
        if sum(weights.values()) != 100 or set(states.values()) != {"Succeeded"}:
            self._broken("S2", call, f"weights {weights} of {states}")
        self._ours(call, key, slot, before)
        for name in states:
            p = self._promotion(key, name)
            if p is None:
                self._broken("S1", call, f"{name} belongs to no promotion")
                continue
            self._allowed(call, key, p)
            stable = slot.serving is not None and slot.serving.deployment == name
            back = slot.rollback is not None and slot.rollback.to.deployment == name
            if not late and not stable and not back and slot.mover != p.n:
                self._broken("S5", call, f"#{p.n} does not move the slot, #{slot.mover} does")
            if not late:
                self._left.pop((key, name), None)
        for name, weight in (before.traffic if before else {}).items():
            if weight and name not in states and not late and name not in slot.retiring:
                self._left[key, name] = self.place.clock.now()

    def _along_the_plan(
        self,
        call: Call,
        key: SlotKey,
        slot: Slot,
        weights: dict[str, int],
        copies: dict[str, int],
        *,
        late: bool,
    ) -> None:
        """S8: a candidate gets what the step has at which its promotion is, or nothing."""
        mover = self._by_number(key, slot.mover)
        if late or mover is None or mover.adoption or mover.candidate not in {**weights, **copies}:
            return
        if slot.serving is not None and slot.serving.deployment == mover.candidate:
            return
        policy, state = self.place.pipeline.policy().slot(*key), self.place.ledger().load(key)
        assert policy is not None
        assert state is not None
        step = plan_of(state.state, mover.n, policy).steps[mover.step]
        share = step.weight if slot.serving else 100
        if (weights.get(mover.candidate, 0), copies.get(mover.candidate, 0)) != (share, step.mirror):
            self._broken("S8", call, f"step {mover.step + 1} has {share} %, copies of {step.mirror} %")
        if mover.ending is not None:
            self._broken("S8", call, f"#{mover.n} has ended: {mover.ending.sentence}")

    def _allowed(self, call: Call, key: SlotKey, p: Promotion) -> None:
        """May this promotion's candidate have traffic?"""
        if p.adoption is not None:
            return
        policy = self.place.pipeline.policy().slot(*key)
        assert policy is not None
        quorum = self._by_number(key, p.rollback.to.n) if p.rollback else p
        if policy.env.approval and not (quorum and (quorum.adoption or self._granted(key, quorum))):
            self._broken("S1", call, f"#{p.n} has no quorum")
        if p.probe is None or not p.probe.ok:
            self._broken("S8", call, f"#{p.n} has answered no probe")
        digest = self._bytes(key, p)
        if digest != p.digest:
            self._broken("S4", call, f"#{p.n} is {p.digest[:8]}, its bytes are {digest[:8]}")

    def _removal(self, call: Call, key: SlotKey, slot: Slot, before: TwinEndpoint | None, name: str) -> None:
        traffic = before.traffic if before else {}
        self._removed.add((key, name))
        self._ours(call, key, slot, before)
        if traffic.get(name):
            self._broken("S3", call, f"{name} has {traffic[name]} % of the traffic")
        if slot.serving is not None and slot.serving.deployment == name:
            self._broken("S3", call, f"{name} is what serves")
        left = self._left.get((key, name))
        policy = self.place.pipeline.policy().slot(*key)
        p = self._promotion(key, name)
        if left is None or policy is None or p is None or p.verdict is None or p.verdict != "Live":
            return
        if not self._ended_early(
            key, name
        ) and self.place.clock.now() < left + policy.env.rollout.warm - timedelta(seconds=1):
            self._broken("S3", call, f"{name} is to be kept warm")
        if slot.serving is None or traffic != {slot.serving.deployment: 100}:
            self._broken("S3", call, f"{name} is removed while traffic is {traffic}")

    def _deployment(self, call: Call, key: SlotKey, slot: Slot, name: str, *, late: bool) -> None:
        p = self._promotion(key, name)
        if p is None:
            self._broken("S5", call, f"{name} belongs to no promotion")
        elif not late and slot.mover != p.n:
            self._broken("S5", call, f"#{p.n} does not move the slot, #{slot.mover} does")
        if not late and (key, name) in self._removed:
            self._broken("S5", call, f"{name} is made again after we removed it: names are never reused")

    def _ours(self, call: Call, key: SlotKey, slot: Slot, before: TwinEndpoint | None) -> None:
        mark = before.tags.get(TAG_SLOT, "") if before else ""
        said = slot.foreign is not None and bool(slot.foreign.restore)
        mover = self._by_number(key, slot.mover)
        adopting = mover is not None and mover.adoption is not None
        if mark != str(key) and not (mark == "" and (said or adopting)):
            self._broken("S4", call, f"the endpoint carries the mark of {mark or 'nobody'}")

    def _retirement(
        self, call: Call, key: SlotKey, slot: Slot, before: TwinEndpoint | None, name: str, *, late: bool
    ) -> None:
        """An endpoint goes on an operator's word for exactly it, and on nothing else."""
        self._ours(call, key, slot, before)
        said = slot.retirement
        if not late and (said is None or said.endpoint != name or slot.mover is not None):
            self._broken("S3", call, "nobody has retired this endpoint, or something moves the slot")
        told = self.place.ledger().journal(key, limit=1000)
        if not any(row.entry.what == "command.retire" for row in told):
            self._broken("S3", call, "the journal knows of no retirement")
        for deployment in before.deployments.values() if before else ():
            self._removed.add((key, deployment.name))

    def _ended_early(self, key: SlotKey, name: str) -> bool:
        """Did a later rollout end its warm period, and say so?"""
        told = self.place.ledger().journal(key, limit=1000)
        return any(row.entry.what == "warm.ended" and name in row.entry.why for row in told)

    # ---- looking

    def _broken(self, rule: str, call: Call, why: str) -> None:
        self.problems.append(f"{self.place.clock.now():%d %H:%M:%S} {rule} broken by {call}: {why}")

    def _slot(self, key: SlotKey) -> Slot | None:
        row = self.place.store.table("slots").rows.get(slot_id(*key), {}).get(rows.SLOT)
        return rows.value(Slot, row.values) if row else None

    def _promotion(self, key: SlotKey, candidate: str) -> Promotion | None:
        """By its candidate; the latest: an adoption names a deployment that another promotion made."""
        found = [
            row
            for name, row in self.place.store.table("slots").rows.get(slot_id(*key), {}).items()
            if _PROMOTION.fullmatch(name) and row.values.get("candidate") == candidate
        ]
        return rows.value(Promotion, max(found, key=lambda r: r.key).values) if found else None

    def _by_number(self, key: SlotKey, n: int | None) -> Promotion | None:
        return self.place.ledger().promotion(key, n) if n is not None else None

    def _granted(self, key: SlotKey, p: Promotion) -> bool:
        ledger, now = self.place.ledger(), self.place.clock.now()
        for k in range(1, p.asks + 1):
            request = ledger.request(key, p.n, k)
            votes = ledger.votes(key, p.n, k)
            if request is None or request.subject.digest != p.digest:
                continue
            if tally(request, votes, now, author=p.registration.author) is RequestState.GRANTED:
                return True
        return False

    def _bytes(self, key: SlotKey, p: Promotion) -> str:
        """Digest of the files that the promotion's registered model means, as they are now."""
        workspace = self.place.workspaces[key.env]
        model = workspace.models.get((p.model, p.target_version or p.registration.version))
        if model is None:
            return ""
        place = ModelUri.parse(model.uri, workspace.id)
        store = workspace.datastores[place.datastore]
        container = self.place.blobs.container(store.account, store.container)
        files = tuple((b.name, b.etag) for b in container.list(f"{place.path}/"))
        if files not in self._digests:
            manifest = digest_step(container, place.path, Manifest(), budget=1 << 40, more=lambda: True)
            self._digests[files] = manifest_digest(manifest)
        return self._digests[files]
