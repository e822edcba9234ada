"""A registry that is the source: is it there, may it be listed, and are its files opened? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from orchestrator.doctor.tried import WELL, Fault, Tried
from shared.registry_id import RegistryId
from shared.rights import REGISTRY, Granted, missing

ROLE = "Greenlight registry"


@dataclass(frozen=True, kw_only=True)
class RegistrySeen:
    """`arm_id`: where the registry is, as it was looked up; empty: that did not go well (`lookup`)."""

    registry: RegistryId
    lookup: Tried
    setting: str = ""
    """The app setting that names it; empty: greenlight.yaml does."""
    arm_id: str = ""
    elsewhere: str = ""
    """Its own host, where that is none that a token goes to."""
    hosts: tuple[str, ...] = ()
    listing: Tried = WELL
    reference: Tried = WELL
    """The reference to a version's files, and reading them by it."""
    granted: tuple[Granted, ...] | None = None
    """What roles grant `principal` at it; None: whoever asks is the identity, and tried it."""
    principal: str = ""
    as_app: bool = True


def judge(seen: RegistrySeen, names: Names) -> Iterator[Finding]:
    where = str(seen.registry)
    if seen.lookup.fault is Fault.MISSING:
        find = (
            "az resource list --resource-type Microsoft.MachineLearningServices/registries --query '[].name'"
        )
        put = names.set(seen.setting, "azureml://registries/NAME") if seen.setting else "edit greenlight.yaml"
        wrong = f"there is no registry {seen.registry.name}: {seen.lookup.why}"
        mend = f"{find} --output tsv\n{put}"
        yield Finding(code=Code.REGISTRY_MISSING, where=where, wrong=wrong, mend=mend)
        return
    if seen.elsewhere:
        known = ", ".join(seen.hosts)
        wrong = f"it is said to answer at {seen.elsewhere}, which ends with none of {known}"
        domain = seen.elsewhere.partition(".")[2] or "DOMAIN"
        mend = names.set("GREENLIGHT_REGISTRY_HOSTS", ",".join((*seen.hosts, domain)))
        yield Finding(code=Code.REGISTRY_HOST, where=where, wrong=wrong, mend=mend)
        return
    yield from _rights(seen, names)
    faults = [t for t in (seen.lookup, seen.listing) if t.fault]
    if not faults and seen.reference.fault:
        wrong = f"the files of its models cannot be read: {seen.reference.why}"
        group = seen.arm_id.split("/")[4] if seen.arm_id else "GROUP"
        show = f"az ml registry show --name {seen.registry.name} --resource-group {group}"
        mend = f"{show} --query public_network_access"
        yield Finding(code=Code.REGISTRY_FILES, where=where, wrong=wrong, mend=mend)
    for tried in faults:
        if tried.fault is not Fault.FORBIDDEN:
            yield Unseen(tried.why).finding(where)
        elif seen.granted is None and seen.as_app:
            yield _forbidden(seen, f"it may not be read: {tried.why}", names)
        elif seen.granted is None:
            yield Unseen(f"you may not look at it: {tried.why}").finding(where)


def _rights(seen: RegistrySeen, names: Names) -> Iterator[Finding]:
    lacking = missing(seen.granted, REGISTRY) if seen.granted is not None else ()
    if lacking:
        yield _forbidden(seen, f"identity {seen.principal} may not do {', '.join(lacking)} there", names)


def _forbidden(seen: RegistrySeen, wrong: str, names: Names) -> Finding:
    """Phase one with the registry's id makes role and assignment."""
    place = seen.arm_id or "$GREENLIGHT_REGISTRY_ID"
    scope = place.partition("/providers/")[0]
    query = f"[?starts_with(roleName, '{ROLE}')].id | [0]"
    role = f'$(az role definition list --scope {scope} --query "{query}" --output tsv)'
    assign = names.assign("ROLE", place, seen.principal).replace("'ROLE'", f'"{role}"')
    mend = f"export GREENLIGHT_REGISTRY_ID={place}\n{names.deploy()}\n{assign}"
    return Finding(code=Code.REGISTRY_RIGHTS, where=str(seen.registry), wrong=wrong, mend=mend)
