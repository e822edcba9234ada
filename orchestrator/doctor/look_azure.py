"""Looks at what ARM knows: workspaces, rights, events, room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.capacity import capacity
from orchestrator.doctor import events, rights, serving, workspaces
from orchestrator.doctor.events import EventsSeen, Subscription, Topic
from orchestrator.doctor.finding import Code, Finding, Unseen
from orchestrator.doctor.rights import DataRightsSeen, RightsSeen
from orchestrator.doctor.scene import EVENT_GRID_API, STORAGE_API, WORKSPACES_API, Scene, error_of
from orchestrator.doctor.serving import RoomSeen
from orchestrator.doctor.workspaces import WorkspaceSeen
from orchestrator.world import TAG_SLOT
from shared.errors import Forbidden, GreenlightError
from shared.ports import WorkspaceId
from shared.rights import REGION, Granted, missing

if TYPE_CHECKING:
    from orchestrator.policy import EnvironmentPolicy
    from shared.ports import WorkspacePort

SUBSCRIPTIONS_API = "2022-12-01"
_MOST_SUBSCRIPTIONS = 20
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
READS = (f"{_BLOBS}/generateUserDelegationKey/action", f"{_BLOBS}/containers/blobs/read")
WRITES = (f"{_BLOBS}/containers/blobs/read", f"{_BLOBS}/containers/blobs/write")
STATE = (
    *WRITES,
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/write",
    "Microsoft.Storage/storageAccounts/tableServices/tables/entities/write",
)


def workspace(scene: Scene, env: EnvironmentPolicy) -> Iterator[Finding]:
    setting = next((name for name, value in scene.variables.items() if value == env.workspace), "")
    status, told = scene.shown(env)
    code, said = error_of(told)
    seen = WorkspaceSeen(
        env=env.name,
        id=env.workspace,
        setting=setting,
        status=status,
        code=code,
        said=said,
        similar=() if status == 200 else _similar(scene, env),
    )
    yield from workspaces.judge(seen, scene.names)


def _similar(scene: Scene, wrong: EnvironmentPolicy) -> tuple[str, ...]:
    """Workspaces that the caller sees: in the subscriptions of greenlight.yaml, and in a few others."""
    found: list[str] = []
    named = subscriptions_of(scene) | {each.lower() for each in _GUID.findall(wrong.workspace)}
    try:
        told = scene.arm_list("list subscriptions", "/subscriptions", SUBSCRIPTIONS_API)
        seen = {str(each.get("subscriptionId") or "").lower() for each in told} - named - {""}
    except GreenlightError:  # only a better suggestion is lost
        seen = set[str]()
    for subscription in sorted(named) + sorted(seen)[:_MOST_SUBSCRIPTIONS]:
        place = f"/subscriptions/{subscription}/providers/{workspaces.PROVIDER}/workspaces"
        try:
            found += [str(w.get("id")) for w in scene.arm_list("list workspaces", place, WORKSPACES_API)]
        except GreenlightError:
            continue
    others = {env.workspace.lower() for env in scene.environments if env is not wrong}
    return tuple(each for each in found if each.lower() not in others)


def subscriptions_of(scene: Scene) -> set[str]:
    return {
        WorkspaceId.parse(env.workspace).subscription.lower()
        for env in scene.environments
        if not workspaces.misspelt(env.workspace)
    }


def roles(scene: Scene, env: EnvironmentPolicy) -> Iterator[Finding]:
    """What Greenlight's identity may do on the workspace, and on what its region tells."""
    workspace, principal = scene.workspace(env), whom(scene)
    seen = RightsSeen(
        env=env.name,
        workspace=env.workspace,
        first=env is scene.environments[0],
        granted=principal if isinstance(principal, Unseen) else _granted(scene, workspace, principal),
        principal="" if isinstance(principal, Unseen) else principal,
    )
    yield from rights.judge(seen, scene.names)
    if isinstance(principal, str) and not scene.as_app:
        region = f"/subscriptions/{WorkspaceId.parse(env.workspace).subscription}"
        if lacking := missing(scene.assigned(region, principal), REGION):
            yield _region_rights(scene, env, f"identity {principal} may not do {', '.join(lacking)}")
        yield from _data_roles(scene, env, principal)


def whom(scene: Scene) -> str | Unseen:
    """Object id of whose rights are wanted."""
    if isinstance(scene.caller, Unseen):
        return scene.caller
    if scene.principal or scene.as_app:
        return scene.principal or scene.caller.oid
    why = f"these are the rights of {scene.caller}; say whose are wanted"
    return Unseen(why, f"greenlight doctor --principal {scene.names.principal}")


def _granted(scene: Scene, workspace: WorkspacePort, principal: str) -> tuple[Granted, ...]:
    """The caller may always ask about itself; about others who may read role assignments."""
    return workspace.granted() if scene.as_app else scene.assigned(str(workspace.id), principal)


def _region_rights(scene: Scene, env: EnvironmentPolicy, wrong: str) -> Finding:
    return Finding(code=Code.REGION_RIGHTS, where=env.name, wrong=wrong, mend=scene.names.deploy())


def _data_roles(scene: Scene, env: EnvironmentPolicy, principal: str) -> Iterator[Finding]:
    _, told = scene.shown(env)
    account = str(told.get("properties", {}).get("storageAccount") or "")
    frozen = f"{account}/blobServices/default/containers/greenlight-frozen"
    at = scene.environments.index(env)
    wanted = [("Storage Blob Data Reader", account, READS)] if at < len(scene.environments) - 1 else []
    wanted += [("Storage Blob Data Contributor", frozen, WRITES)] if at > 0 else []
    for role, scope, actions in wanted:
        seen = DataRightsSeen(
            where=env.name,
            scope=scope,
            role=role,
            wanted=actions,
            granted=scene.assigned(scope, principal),
            principal=principal,
        )
        yield from rights.judge_data(seen, scene.names)


def state_roles(scene: Scene) -> Iterator[Finding]:
    """The rights of Greenlight's identity on its own account, where somebody else asks."""
    if not scene.principal or scene.as_app:
        return
    account = next((a for a in _accounts(scene) if a.lower().endswith(f"/{scene.account}")), "")
    if not account:
        why = f"storage account {scene.account} is in none of the workspaces' subscriptions that you may list"
        yield Unseen(why, f"az storage account show --name {scene.account} --query id").finding(scene.account)
        return
    seen = DataRightsSeen(
        where=scene.account,
        scope=account,
        role="Storage Blob Data Owner",
        wanted=STATE,
        granted=scene.assigned(account, scene.principal),
        principal=scene.principal,
    )
    yield from rights.judge_data(seen, scene.names)


def _accounts(scene: Scene) -> Iterator[str]:
    for subscription in sorted(subscriptions_of(scene)):
        place = f"/subscriptions/{subscription}/providers/Microsoft.Storage/storageAccounts"
        for each in scene.arm_list("list storage accounts", place, STORAGE_API):
            yield str(each.get("id") or "")


def event_grid(scene: Scene) -> Iterator[Finding]:
    source = WorkspaceId.parse(scene.policy.source.workspace)
    try:
        topics = _topics(scene, source)
        subscriptions = tuple(s for topic in topics for s in _event_subscriptions(scene, topic))
    except Forbidden as error:
        mend = "az login\ngreenlight doctor --principal $identityPrincipalId"
        yield Unseen(f"{error}: look as whoever deploys", mend).finding(source.name)
        return
    seen = EventsSeen(
        workspace=str(source),
        topics=topics,
        subscriptions=subscriptions,
        site=scene.site,
        account=scene.account,
        deadletter_rights=_deadletter_rights(scene, subscriptions),
    )
    yield from events.judge(seen, scene.names)


def _topics(scene: Scene, source: WorkspaceId) -> tuple[Topic, ...]:
    """Wherever in the subscription: a topic may have been made in any of its groups."""
    place = f"/subscriptions/{source.subscription}/providers/Microsoft.EventGrid/systemTopics"
    found = map(Topic.of, scene.arm_list("list system topics", place, EVENT_GRID_API))
    mine = (t for t in found if t.source.rstrip("/").lower() == source.key)
    return tuple(sorted(mine, key=lambda topic: topic.name))


def _event_subscriptions(scene: Scene, topic: Topic) -> Iterator[Subscription]:
    found = scene.arm_list(
        f"list subscriptions of {topic.name}", f"{topic.id}/eventSubscriptions", EVENT_GRID_API
    )
    for told in found:
        yield Subscription(str(told.get("name") or ""), topic, told.get("properties") or {})


def _deadletter_rights(scene: Scene, found: tuple[Subscription, ...]) -> tuple[Granted, ...] | Unseen:
    mine = next((s for s in found if s.ours and s.dead_letters), None)
    if mine is None or not mine.topic.principal:
        return (Granted((), (), (events.WRITE_BLOB,)),)  # said already: there is nothing to ask about
    target = mine.dead_letters
    scope = f"{target.get('resourceId')}/blobServices/default/containers/{target.get('blobContainerName')}"
    try:
        return scene.assigned(scope, mine.topic.principal)
    except GreenlightError as error:
        return Unseen(str(error), "greenlight doctor --principal $identityPrincipalId")


def room(scene: Scene, env: EnvironmentPolicy) -> Iterator[Finding]:
    """Quota for each instance type and count that greenlight.yaml has for this environment."""
    workspace = scene.workspace(env)
    try:
        sizes, usages, region = workspace.vm_sizes(), workspace.core_usages(), workspace.region()
    except Forbidden as error:
        if not scene.as_app:
            raise
        yield _region_rights(scene, env, str(error))
        return
    serves = any(e.traffic for e in workspace.endpoints() if e.tags.get(TAG_SLOT))
    wanted = {
        (each.deployment.instance_type, each.deployment.instance_count)
        for each in scene.policy.file.every_environment()
        if each.name == env.name
    }
    for kind, count in sorted(wanted):
        seen = RoomSeen(
            env=env.name,
            subscription=workspace.id.subscription,
            region=region,
            type=kind,
            count=count,
            serving=serves,
            capacity=capacity(sizes, usages, kind),
        )
        yield from serving.judge_room(seen)
