"""Read what the workspaces still say, plan (rebuilding.py), and write the rows that are gone.

Safe to repeat: rows are only ever inserted, and whoever was faster wins. Stop the function app all the same:
after the loss it begins a slot anew as soon as a registration comes, and such a row is left as it is. What
the endpoint serves is then told by `greenlight adopt`; until it is, no new version moves there, for the
engine finds traffic that it did not write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.evidence import SOURCE, known_manifest
from orchestrator.index import OpenIndex
from orchestrator.ledger import Ledger, fresh
from orchestrator.model import Slot, SlotKey, SlotState
from orchestrator.observe import endpoint_seen, registration_of
from orchestrator.outside import Outside, names_partition
from orchestrator.policy import EnvironmentPolicy
from orchestrator.rebuilding import Found, Origin, Plan, SlotPlan, live_in, plan, slot_of
from orchestrator.sources import Sources, Watermark
from orchestrator.world import PROPERTY_DIGEST, TAG_PROMOTION, EndpointSeen
from shared.clock import Clock
from shared.digest import Manifest, digest_step, files_below, manifest_digest
from shared.errors import Conflict, Invalid, NotFound
from shared.names import parse_promotion_id, slot_id
from shared.ports import ModelVersion, WorkspacePort
from shared.store import Insert

STEP = 256 * 1024 * 1024
"""Bytes digested between two looks at the folder."""


@dataclass(frozen=True)
class Written:
    """What a rebuild wrote, and what somebody else had written before it."""

    slots: tuple[str, ...]
    names: tuple[str, ...]
    watermark: bool
    lost_races: tuple[str, ...]


@dataclass(frozen=True)
class Rebuild:
    """Uses the ports of the product, with the rights of whoever runs it."""

    outside: Outside
    ledger: Ledger
    index: OpenIndex
    sources: Sources
    clock: Clock

    def plan(self, by: str) -> Plan:
        """Reads only. Raises what shared.errors says: half a picture is no basis."""
        found = [each for env in self.outside.policy.file.environments for each in self._environment(env)]
        return plan(self.outside.policy, found, by=by, now=self.clock.now())

    def write(self, planned: Plan) -> Written:
        """Names first, then slots, then the watermark: what is not written yet is found by the next run."""
        slots: list[str] = []
        names: list[str] = []
        late: list[str] = []
        for each in planned.slots:
            if each.claim_name:
                (names if self._claim(each) else late).append(each.endpoint)
            if each.change is not None:
                (slots if self._insert(each) else late).append(str(each.key))
        env, now = self.outside.policy.source.name, self.clock.now()
        missing = self.sources.watermark(env) is None
        if missing:
            origin = self.outside.policy.registry
            mark = Watermark(env=env, floor=planned.since, since=planned.since, due=now, origin=origin)
            self.sources.begin(mark)
        return Written(tuple(slots), tuple(names), missing, tuple(late))

    # ---- reading

    def _environment(self, env: EnvironmentPolicy) -> Iterator[Found]:
        workspace = self.outside.workspace(env.workspace)
        for name in (e.name for e in workspace.endpoints()):
            seen = endpoint_seen(workspace, name, SlotState(Slot(model="", env=env.name)))
            if seen is not None:
                yield self._found(env, workspace, seen)

    def _found(self, env: EnvironmentPolicy, workspace: WorkspacePort, seen: EndpointSeen) -> Found:
        key = slot_of(self.outside.policy, env.name, seen)
        if isinstance(key, str):
            return Found(env=env.name, endpoint=seen)
        tags = {d.name: d.tags for d in workspace.deployments(seen.name)}
        live = live_in(seen, key.model)
        row = self.outside.names.get(names_partition(env.workspace), seen.name.lower())
        mine = [_promotion(t.get(TAG_PROMOTION, ""), key) for t in (seen.tags, *tags.values())]
        maker = tags.get(live[0], {}).get(TAG_PROMOTION, "") if not isinstance(live, str) else ""
        version, n = _promotion(maker, key)
        return Found(
            env=env.name,
            endpoint=seen,
            numbers=tuple(number for _, number in mine if number),
            n=n,
            origin=None
            if isinstance(live, str)
            else self._origin(workspace, key.model, live[1], version, maker),
            remains=self.ledger.remains(key),
            owner=str(row.values.get("slot", "")) if row else "",
        )

    def _origin(
        self, workspace: WorkspacePort, model: str, here: str, version: str, maker: str
    ) -> Origin | None:
        """What serves, as this workspace has it; its run and its date, as the source has them."""
        kept = workspace.model(model, here)
        if kept is None:
            return None
        source = self.outside.workspace(self.outside.policy.source.workspace)
        version = kept.tags.get("greenlight_source_version", "") or version or here
        first = kept if source.id == workspace.id else source.model(model, version)
        registration = registration_of(kept, str(workspace.id))
        run_id = registration.run_id or kept.tags.get("greenlight_run_id", "")
        run = self.outside.runs.run(source.tracking_uri(), run_id) if run_id else None
        at = first.created_at if first else kept.created_at
        return Origin(
            registration=replace(registration, version=version, created_at=at, run_id=run_id),
            digest=kept.properties.get(PROPERTY_DIGEST, "") or self._digest(workspace, kept, maker),
            size=self._size(workspace, kept),
            registered_at=first.created_at if first else None,
            metrics=dict(run.metrics) if run else {},
        )

    def _digest(self, workspace: WorkspacePort, kept: ModelVersion, maker: str) -> str:
        """Of the files as they are; what was read for the promotion's evidence is not read again."""
        container, path = self.outside.files(workspace, kept.uri)
        manifest = known_manifest(self.outside.evidence, maker, SOURCE) if maker else Manifest()
        while True:
            manifest = digest_step(container, path, manifest, budget=STEP, more=lambda: True)
            if manifest.complete:
                return manifest_digest(manifest)

    def _size(self, workspace: WorkspacePort, kept: ModelVersion) -> int:
        """As listed: no byte is read. Files that are gone say nothing; what serves does so without them."""
        try:
            container, path = self.outside.files(workspace, kept.uri)
            return sum(blob.size for _, blob in files_below(container, path))
        except (Invalid, NotFound):
            return 0

    # ---- writing

    def _claim(self, each: SlotPlan) -> bool:
        known = self.outside.policy.slot(*each.key)
        if known is None:
            return False
        partition = names_partition(known.env.workspace)
        row = Insert(each.endpoint.lower(), {"schema": 1, "slot": str(each.key)})
        try:
            self.outside.names.commit(partition, [row])
        except Conflict:
            return False
        return True

    def _insert(self, each: SlotPlan) -> bool:
        if each.change is None:
            return False
        self.index.touch(slot_id(*each.key), self.clock.now())  # before it exists: the sweep looks at it
        known = [r for r in each.change.registrations if not self.ledger.knows(each.key, r)]
        change = replace(each.change, registrations=tuple(known))
        try:
            self.ledger.commit(fresh(each.key), change, now=self.clock.now())
        except Conflict:
            return False
        return True


def _promotion(tag: str, key: SlotKey) -> tuple[str, int]:
    """Version and number of the promotion that a tag names, if it is one of this slot."""
    try:
        model, env, version, n = parse_promotion_id(tag)
    except Invalid:
        return "", 0
    return (version, n) if SlotKey(model, env) == key else ("", 0)
