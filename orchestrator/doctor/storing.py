"""The state account, and the way of a model's files from one workspace to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from orchestrator.doctor.tried import WELL, Fault, Tried
from shared.queues import QUEUES, WAKES
from shared.store import TABLES

POISON: Final = tuple(f"{queue}-poison" for queue in (WAKES, "approval-decisions"))
CONTAINERS: Final = ("evidence", "deadletters", "eventgrid-deadletter", "anchors")
FROZEN_CONTAINER: Final = "greenlight-frozen"


class Kind(StrEnum):
    TABLE = "table"
    QUEUE = "queue"
    CONTAINER = "container"


_MISSING = {
    Kind.TABLE: Code.TABLE_MISSING,
    Kind.QUEUE: Code.QUEUE_MISSING,
    Kind.CONTAINER: Code.CONTAINER_MISSING,
}
_ROLES = {
    Kind.TABLE: "Storage Table Data Contributor",
    Kind.QUEUE: "Storage Queue Data Contributor",
    Kind.CONTAINER: "Storage Blob Data Owner",
}
WANTED: Final = (
    *((Kind.TABLE, name) for name in TABLES),
    *((Kind.QUEUE, name) for name in (*QUEUES, *POISON)),
    *((Kind.CONTAINER, name) for name in CONTAINERS),
)
"""What the product keeps its state in; infra/modules makes it, and a test compares."""


@dataclass(frozen=True, kw_only=True)
class StateSeen:
    """One table, queue or container: reading it, and a write that its condition refuses."""

    kind: Kind
    name: str
    account: str
    read: Tried
    write: Tried = WELL
    as_app: bool = True
    """Are these the rights of Greenlight's own identity?"""


def judge_state(seen: StateSeen, names: Names) -> Iterator[Finding]:
    where = f"{seen.account}/{seen.name}"
    tried = seen.read if seen.read.fault else seen.write
    if tried.fault is None:
        return
    if tried.fault is Fault.MISSING:
        mend = _create(seen.kind, seen.account, seen.name)
        wrong = f"{seen.kind} {seen.name} is not in {seen.account}"
        yield Finding(code=_MISSING[seen.kind], where=where, wrong=wrong, mend=mend)
    elif tried.fault is Fault.FORBIDDEN and seen.as_app:
        verb = "read" if seen.read.fault else "written"
        scope = f'"$(az storage account show --name {seen.account} --query id --output tsv)"'
        wrong = f"{seen.kind} {seen.name} of {seen.account} may not be {verb}: {tried.why}"
        mend = names.assign(_ROLES[seen.kind], scope)
        yield Finding(code=Code.STATE_FORBIDDEN, where=where, wrong=wrong, mend=mend)
    elif tried.fault is Fault.FORBIDDEN:
        role = _ROLES[seen.kind]
        yield Unseen(f"you may not look at {seen.kind} {seen.name}; role {role!r} would let you").finding(
            where
        )
    else:
        yield Unseen(tried.why).finding(where)


def _create(kind: Kind, account: str, name: str) -> str:
    return f"az storage {kind} create --account-name {account} --name {name} --auth-mode login"


@dataclass(frozen=True, kw_only=True)
class SourceSeen:
    """Where an environment's models are copied from."""

    env: str
    account: str
    container: str
    account_id: str
    read: Tried
    sign: Tried
    as_app: bool = True


def judge_source(seen: SourceSeen, names: Names) -> Iterator[Finding]:
    where, place = seen.env, f"{seen.account}/{seen.container}"
    role = names.assign("Storage Blob Data Reader", seen.account_id or "ACCOUNT")
    for tried, code, what in (
        (seen.read, Code.SOURCE_UNREADABLE, f"{place} cannot be listed"),
        (seen.sign, Code.SOURCE_UNSIGNED, f"no user delegation key is given for {seen.account}"),
    ):
        if tried.fault is None:
            continue
        if tried.fault is Fault.OTHER or (tried.fault is Fault.FORBIDDEN and not seen.as_app):
            yield Unseen(tried.why).finding(where)
        else:
            yield Finding(code=code, where=where, wrong=f"{what}: {tried.why}", mend=role)


@dataclass(frozen=True, kw_only=True)
class FrozenSeen:
    """Where an environment's frozen copies go. `account`, `container`: of the datastore, if it is there."""

    env: str
    workspace: str
    datastore: Tried
    account: str = ""
    container: str = ""
    default_account: str = ""
    """Of the workspace's own storage."""
    read: Tried = WELL
    write: Tried = WELL
    as_app: bool = True


def judge_frozen(seen: FrozenSeen, names: Names) -> Iterator[Finding]:
    where = seen.env
    if seen.datastore.fault is Fault.MISSING:
        wrong = f"the workspace has no datastore greenlight_frozen ({seen.workspace})"
        yield Finding(code=Code.FROZEN_DATASTORE, where=where, wrong=wrong, mend=names.deploy())
        return
    if seen.datastore.fault is not None:
        yield Unseen(seen.datastore.why).finding(where)
        return
    place = f"{seen.account}/{seen.container}"
    if seen.container != FROZEN_CONTAINER or seen.account != seen.default_account:
        meant = f"{seen.default_account}/{FROZEN_CONTAINER}"
        wrong = f"datastore greenlight_frozen leads to {place}, not to {meant}, which the identity may write"
        yield Finding(code=Code.FROZEN_DATASTORE, where=where, wrong=wrong, mend=names.deploy())
    tried = seen.read if seen.read.fault else seen.write
    if tried.fault is Fault.MISSING:
        mend = _create(Kind.CONTAINER, seen.account, seen.container)
        yield Finding(
            code=Code.FROZEN_CONTAINER, where=where, wrong=f"container {place} is not there", mend=mend
        )
    elif tried.fault is Fault.FORBIDDEN and seen.as_app:
        wrong = f"container {place} may not be written: {tried.why}"
        yield Finding(code=Code.FROZEN_UNWRITABLE, where=where, wrong=wrong, mend=names.deploy())
    elif tried.fault is not None:
        yield Unseen(tried.why).finding(where)
