"""Personal channels: where one approver is told, and nobody else reads along. Pure.

Where nobody can sign in, a link that came through such a channel is the identity of that approver. It is good
for as long as greenlight.yaml names the channel, for people and never for groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestrator.delivering import Telling
from shared.errors import Refused

if TYPE_CHECKING:
    from orchestrator.approval_policy import AskedEntry
    from orchestrator.policy import EnvironmentPolicy, Policy

PERSONAL_LINK = "personal link"
"""How the journal and the pages call the way of such a vote."""
_PREFIX = "personal:"


def personal_channels(env: EnvironmentPolicy) -> tuple[str, ...]:
    """Names of the channels on which single approvers of this environment are told."""
    return tuple(f"{_PREFIX}{entry.name}" for entry in _told(env))


def people_of(policy: Policy, name: str) -> frozenset[str]:
    """TENANT/OBJECT-ID of everyone who has a personal channel in this environment, for whichever model."""
    environments = (env for env in policy.file.every_environment() if env.name == name)
    return frozenset(entry.key for env in environments for entry in _told(env))


def webhooks_of(environments: Iterable[EnvironmentPolicy]) -> frozenset[str]:
    return frozenset(entry.webhook for env in environments for entry in _told(env))


def asked_on(policy: Policy, telling: Telling, channel: str) -> AskedEntry:
    """Whose channel this is. Raises Refused: whoever is not among a request's approvers is not asked."""
    slot = policy.slot(*telling.slot)
    entries = _told(slot.env) if slot is not None else ()
    entry = next((e for e in entries if f"{_PREFIX}{e.name}" == channel), None)
    if entry is None:
        raise Refused("greenlight.yaml names no such personal channel here", code="gone")
    request = telling.request
    if request is not None and entry.key not in {a.id for a in request.rule.approvers}:
        raise Refused(f"{entry.name} is not among the approvers of this request", code="not_asked")
    return entry


def _told(env: EnvironmentPolicy) -> tuple[AskedEntry, ...]:
    return tuple(entry for entry in env.approval.approvers if entry.webhook) if env.approval else ()
