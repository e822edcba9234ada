"""Where registrations come from: the first environment's workspace, or a registry that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.arm_id import WorkspaceId
from shared.errors import Invalid
from shared.registry_id import RegistryId

if TYPE_CHECKING:
    from orchestrator.policy import Policy


def check(policy: Policy) -> None:
    """Raises PolicyError, naming the place, for a `source:` that cannot be one."""
    from orchestrator.policy import PolicyError

    problems: list[str] = []
    for n, env in enumerate(policy.file.environments):
        if not env.source:
            continue
        place = f"  environments.{n}.source"
        if n:
            first = policy.source.name
            problems.append(f"{place}: only the first environment, {first}, has a source; {env.name} follows")
            continue
        try:
            RegistryId.parse(env.source)
        except Invalid as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise PolicyError("greenlight.yaml is wrong:\n" + "\n".join(problems))


def sourced(policy: Policy, arm_id: str) -> tuple[WorkspaceId, RegistryId | None]:
    """A workspace, and the registry whose models it has instead of its own. Raises Invalid."""
    at, first = WorkspaceId.parse(arm_id), policy.source
    named = first.source and policy.environment_of(str(at)) == first.name
    return at, RegistryId.parse(first.source) if named else None
