"""Who asks, and what Greenlight's identity may do, against the lists in shared/rights.py. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from shared.rights import SOURCE, TARGET, Granted, missing, missing_data

ROLES = {True: "Greenlight source", False: "Greenlight target"}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whose token the doctor has."""

    oid: str
    tenant: str
    name: str
    managed: bool
    """A managed identity, as the app is one in Azure."""

    @staticmethod
    def of(claims: Mapping[str, Any]) -> Caller:
        name = claims.get("upn") or claims.get("preferred_username") or claims.get("appid") or ""
        return Caller(
            oid=str(claims.get("oid") or ""),
            tenant=str(claims.get("tid") or "").lower(),
            name=str(name),
            managed="xms_mirid" in claims,
        )

    def __str__(self) -> str:
        return f"{self.name or 'nameless'} ({self.oid})"


def judge_caller(caller: Caller, tenant: str, names: Names) -> Iterator[Finding]:
    if caller.tenant != tenant:
        wrong = f"{caller} is of tenant {caller.tenant or 'unknown'}; GREENLIGHT_TENANT is {tenant}"
        mend = f"az login --tenant {tenant}\n{names.set('GREENLIGHT_TENANT', caller.tenant)}"
        yield Finding(code=Code.OTHER_TENANT, where=caller.oid, wrong=wrong, mend=mend)


@dataclass(frozen=True, kw_only=True)
class RightsSeen:
    """What roles grant on one environment's workspace, and to whom."""

    env: str
    workspace: str
    first: bool
    granted: tuple[Granted, ...] | Unseen
    principal: str
    """Object id of whom the roles were read for."""


def judge(seen: RightsSeen, names: Names) -> Iterator[Finding]:
    if isinstance(seen.granted, Unseen):
        yield seen.granted.finding(seen.env)
        return
    lacking = missing(seen.granted, SOURCE if seen.first else TARGET)
    if lacking:
        scope = seen.workspace.partition("/providers/")[0]
        query = f"[?starts_with(roleName, '{ROLES[seen.first]}')].id | [0]"
        role = f'$(az role definition list --scope {scope} --query "{query}" --output tsv)'
        assign = names.assign("ROLE", seen.workspace, seen.principal).replace("'ROLE'", f'"{role}"')
        wrong = f"identity {seen.principal} may not do {', '.join(lacking)} in {seen.workspace}"
        mend = f"{names.deploy()}\n{assign}"
        yield Finding(code=Code.RIGHTS, where=seen.env, wrong=wrong, mend=mend)


@dataclass(frozen=True, kw_only=True)
class DataRightsSeen:
    """What roles grant on the data below one scope."""

    where: str
    scope: str
    role: str
    wanted: Sequence[str]
    granted: tuple[Granted, ...] | Unseen
    principal: str


def judge_data(seen: DataRightsSeen, names: Names) -> Iterator[Finding]:
    if isinstance(seen.granted, Unseen):
        yield seen.granted.finding(seen.where)
        return
    lacking = missing_data(seen.granted, seen.wanted)
    if lacking:
        wrong = f"identity {seen.principal} lacks {', '.join(lacking)} on {seen.scope}"
        mend = names.assign(seen.role, seen.scope, seen.principal)
        yield Finding(code=Code.DATA_RIGHTS, where=seen.where, wrong=wrong, mend=mend)
