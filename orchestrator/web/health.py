"""`/healthz`: to everybody whether the app is well and which release it is, to operators what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from orchestrator.version import VERSION
from orchestrator.web.http import WebResponse, data, problem, secured
from orchestrator.web.visit import Visit
from shared.errors import Invalid
from shared.identity import principal_from_headers

_OK, _DEGRADED = "ok", "degraded"


def health(visit: Visit) -> WebResponse:
    """200 also where something is missing: the app serves, and refuses that only."""
    flaws = visit.services.condition.flaws()
    shown: dict[str, object] = {"status": _DEGRADED if flaws else _OK, "version": VERSION}
    if visit.principal is not None and visit.services.operating.is_operator(visit.principal):
        shown["findings"] = [asdict(flaw) for flaw in flaws]
    return data(shown)


def not_running(
    error: Invalid, path: str, headers: Mapping[str, str], *, auth_enabled: bool, tenant: str
) -> WebResponse:
    """Settings or greenlight.yaml leave nothing to run. Without them nobody knows who the operators are, so
    whoever is signed in to the tenant is told what is wrong; others are told where it is said."""
    principal = principal_from_headers(headers, auth_enabled=auth_enabled, tenant=tenant) if tenant else None
    if path.rstrip("/") == "/healthz":
        shown: dict[str, object] = {"status": _DEGRADED, "version": VERSION}
        return secured(data(shown | ({"error": str(error)} if principal else {}), 503))
    told = "settings or greenlight.yaml are wrong: the log says how, and so does this to people who sign in"
    return secured(problem(500, "misconfigured", str(error) if principal else told))
