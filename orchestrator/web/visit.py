"""One request being answered: who asks, when, and what the answer may be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.condition import Condition
from orchestrator.operating import Operating
from orchestrator.planning import Planning
from orchestrator.web.http import WebRequest
from orchestrator.web.ports import DeadLetters, Ledger, Voting
from shared.identity import Principal
from shared.links import Links


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the pages are, and what they know of the pipeline."""

    base_url: str
    auth_enabled: bool
    """App Service Authentication is on. Off: reading needs no sign-in, and only personal links vote."""
    environments: tuple[str, ...]
    tenant: str = ""
    """When given, people of other tenants are not signed in."""
    personal: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Environment -> TENANT/OBJECT-ID of the approvers who have a channel of their own there."""


@dataclass(frozen=True, kw_only=True)
class Services:
    ledger: Ledger
    deadletters: DeadLetters
    voting: Voting
    operating: Operating
    planning: Planning
    links: Links
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class Visit:
    request: WebRequest
    principal: Principal | None
    now: datetime
    site: Site
    services: Services

    @property
    def ledger(self) -> Ledger:
        return self.services.ledger
