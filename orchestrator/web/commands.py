"""Operators' commands over the JSON API. Only a JSON body is read, which no foreign page can send unasked."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, assert_never

from orchestrator import views
from orchestrator.commands import OF_PROMOTION, Command
from orchestrator.journal import CANNOT_PROVE
from orchestrator.operating import Told, ToldKind
from orchestrator.slot_views import planned_view
from orchestrator.spoken import LONGEST_REASON
from orchestrator.web import listing
from orchestrator.web.http import WebResponse, data, problem
from orchestrator.web.reading import promotion_of
from orchestrator.web.visit import Visit
from shared.errors import Invalid
from shared.identity import Principal

_LONGEST_KEY = 100
_LONGEST_NAME = 400
_MORE = {Command.PROMOTE: ("version",), Command.RETIRE: ("confirm",)}
"""What some commands to a slot need besides."""
_LONGEST_POLICY = 60_000
_MOST_PROBLEMS = 100


def of_promotion(command: Command, visit: Visit, id: str) -> WebResponse:  # noqa: A002 -- as the route names it
    principal = visit.principal
    if principal is None:
        return _nobody()
    body = _body(visit, "reason")
    whole = promotion_of(visit.ledger, id)
    told = visit.services.operating.promotion(
        command, whole.key, whole.promotion.n, by=principal, reason=_text(body, "reason", LONGEST_REASON)
    )
    return _said(told)


def of_slot(command: Command, visit: Visit, model: str, env: str) -> WebResponse:
    principal = visit.principal
    if principal is None:
        return _nobody()
    more = _MORE.get(command, ())
    body = _body(visit, "reason", "key", *more)
    told = visit.services.operating.slot(
        command,
        listing.slot_key_of(model, env),
        by=principal,
        reason=_text(body, "reason", LONGEST_REASON),
        request=_text(body, "key", _LONGEST_KEY),
        **{name: _text(body, name, _LONGEST_NAME) for name in more},
    )
    return _said(told)


def pause(visit: Visit) -> WebResponse:
    return _everything(visit, visit.services.operating.pause)


def resume_all(visit: Visit) -> WebResponse:
    return _everything(visit, visit.services.operating.resume_all)


def replay(visit: Visit, id: str) -> WebResponse:  # noqa: A002 -- as the route names it
    principal = visit.principal
    if principal is None:
        return _nobody()
    _body(visit)
    return _said(visit.services.operating.replay(id, by=principal))


def plan(visit: Visit) -> WebResponse:
    """What another greenlight.yaml would do. Nothing is written."""
    principal = visit.principal
    if principal is None:
        return _nobody()
    refused = visit.services.operating.refused_plan(principal)
    if refused is not None:
        return _said(refused)
    text = _text(_body(visit, "policy"), "policy", _LONGEST_POLICY)
    if not text.strip():
        raise Invalid("policy: the text of greenlight.yaml")
    return data(planned_view(visit.services.planning.plan(text)))


def verify(visit: Visit, model: str, env: str) -> WebResponse:
    """The whole journal is read: every row's hash and MAC, and that none is missing."""
    key = listing.slot_key_of(model, env)
    audit = visit.ledger.verify(key)
    if audit is None:
        raise listing.no_slot(key)
    found = {
        "slot": str(key),
        "ok": not audit.problems,
        "rows": audit.rows,
        "head": audit.head,
        "problems": list(audit.problems[:_MOST_PROBLEMS]),
        "cannot_prove": list(CANNOT_PROVE),
    }
    return data(found)


PROMOTION_COMMANDS = {c.value: partial(of_promotion, c) for c in Command if c in OF_PROMOTION}
SLOT_COMMANDS = {c.value: partial(of_slot, c) for c in Command if c not in OF_PROMOTION}


def paused_view(visit: Visit) -> views.View | None:
    """The global pause as it is; None: nothing is paused."""
    control = visit.services.operating.paused()
    if control is None or not control.paused:
        return None
    return {
        "reason": control.paused,
        "by": control.by,
        "name": control.name or None,
        "at": views.time(control.at),
    }


class _Everything(Protocol):
    def __call__(self, *, by: Principal, reason: str) -> Told: ...


def _everything(visit: Visit, command: _Everything) -> WebResponse:
    principal = visit.principal
    if principal is None:
        return _nobody()
    return _said(command(by=principal, reason=_text(_body(visit, "reason"), "reason", LONGEST_REASON)))


def _body(visit: Visit, *fields: str) -> dict[str, Any]:
    body = visit.request.json()
    unknown = set(body) - set(fields)
    if unknown:
        raise Invalid(f"unknown field {sorted(unknown)[0][:40]!r}")
    return body


def _text(body: dict[str, Any], name: str, longest: int) -> str:
    found = body.get(name, "")
    if not isinstance(found, str) or len(found) > longest:
        raise Invalid(f"{name}: text of at most {longest} characters")
    return found


def _nobody() -> WebResponse:
    return problem(401, "unauthenticated", "sign in to operate")


def told_status(kind: ToldKind) -> int:
    match kind:
        case "accepted":
            return 202
        case "repeated" | "done":
            return 200
        case "not_allowed":
            return 403
        case "closed":
            return 409
        case _:
            assert_never(kind)


def _said(told: Told) -> WebResponse:
    status = told_status(told.kind)
    if status >= 300:
        return problem(status, told.kind, told.message)
    return data({"outcome": told.kind, "message": told.message}, status)
