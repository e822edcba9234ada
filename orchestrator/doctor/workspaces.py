"""Is each workspace there, by its id? A wrong id is told by the part that is wrong. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from shared.arm_id import WorkspaceId
from shared.errors import Invalid

PROVIDER = "Microsoft.MachineLearningServices"
# What ARM answers to an id of which one part does not exist.
_ABSENT = {
    "SubscriptionNotFound": "the subscription {0.subscription}",
    "ResourceGroupNotFound": "the resource group {0.resource_group}",
}


def misspelt(text: str) -> str:
    """What is wrong with a workspace's id, and which part of it; empty: nothing, by its looks."""
    try:
        WorkspaceId.parse(text)
    except Invalid as error:
        return str(error)
    return ""


@dataclass(frozen=True, kw_only=True)
class WorkspaceSeen:
    """What ARM answered about one environment's workspace."""

    env: str
    id: str
    setting: str = ""
    """The app setting that names it; empty: greenlight.yaml does."""
    status: int = 0
    code: str = ""
    said: str = ""
    similar: Sequence[str] = ()
    """Ids of workspaces that the caller can see."""


def judge(seen: WorkspaceSeen, names: Names) -> Iterator[Finding]:
    if wrong := misspelt(seen.id):
        yield _id(seen, wrong, names)
    elif seen.status == 404:
        absent = _ABSENT.get(seen.code, "the workspace {0.name}").format(WorkspaceId.parse(seen.id))
        wrong = f"{absent} does not exist (ARM: {seen.code or '404'}), in {seen.id}"
        yield _id(seen, wrong, names, missing=True)
    elif seen.status in (401, 403):
        mend = names.deploy()
        wrong = f"{seen.id} may not be read: {seen.said or seen.code}"
        yield Finding(code=Code.WORKSPACE_FORBIDDEN, where=seen.env, wrong=wrong, mend=mend)
    elif seen.status != 200:
        why = f"ARM answered {seen.status} {seen.code} about {seen.id}".replace("  ", " ")
        yield Unseen(why).finding(seen.env)


def _id(seen: WorkspaceSeen, wrong: str, names: Names, *, missing: bool = False) -> Finding:
    near = difflib.get_close_matches(seen.id.lower(), [s.lower() for s in seen.similar], n=1, cutoff=0.8)
    meant = next((s for s in seen.similar if near and s.lower() == near[0]), "")
    told = f"; did you mean {meant}?" if meant else ""
    find = (
        f"az resource list --resource-type {PROVIDER}/workspaces --query '[].id' --output tsv"
        if not meant
        else ""
    )
    put = names.set(seen.setting, meant or "ID") if seen.setting else "edit greenlight.yaml"
    code = Code.WORKSPACE_MISSING if missing else Code.WORKSPACE_ID
    return Finding(
        code=code, where=seen.env, wrong=f"{wrong}{told}", mend="\n".join(filter(None, (find, put)))
    )
