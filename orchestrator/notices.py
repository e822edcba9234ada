"""Stored values -> what the channels are told. Pure: adapters in shared/notify send it.

The card goes to people and carries a signed link; the queue message goes to systems and carries none.
"""

from __future__ import annotations

from typing import Any

from orchestrator.approval import Request
from orchestrator.model import Promotion
from orchestrator.snapshot import shown
from orchestrator.views import TONES, id_of, registration_view
from orchestrator.votes import required
from shared.links import Links, RequestRef
from shared.notify.ask import Ask, Notice, Voter
from shared.notify.cards import approval_card, notice_card
from shared.notify.queue import approval_requested, noticed


def ask_of(p: Promotion, request: Request) -> Ask:
    seen, lineage = shown(request.snapshot), registration_view(p.registration)
    return Ask(
        promotion=id_of(p),
        k=request.k,
        model=p.model,
        environment=p.env,
        version=p.registration.version,
        hash=request.hash,
        asked_at=request.asked_at,
        expires_at=request.expires_at,
        required=required(request.rule, p.registration.author),
        approvers=tuple(Voter(name=a.name, id=a.id, group=a.group) for a in request.rule.approvers),
        serving_version=seen.serving_version,
        metrics=seen.metrics,
        gates=seen.gates,
        description=p.registration.description,
        author=p.registration.author,
        run_id=p.registration.run_id,
        commit=lineage["commit"] or "",
        data_version=lineage["data_version"] or "",
        digest=p.digest,
        size=p.size,
        plan=seen.plan,
    )


def ask_card(p: Promotion, request: Request, *, links: Links, base_url: str) -> dict[str, Any]:
    """The approval card, with the signed link to the review page."""
    token = links.review_token(RequestRef(id_of(p), request.k))
    return approval_card(
        ask_of(p, request), review_url=f"{base_url.rstrip('/')}/review/{token}", base_url=base_url
    )


def ask_message(p: Promotion, request: Request, *, base_url: str) -> str:
    """The `approval-requests` message."""
    return approval_requested(ask_of(p, request), url=page_of(p, base_url))


def page_of(p: Promotion, base_url: str) -> str:
    return f"{base_url.rstrip('/')}/promotions/{id_of(p)}"


def end_card(p: Promotion, *, base_url: str) -> dict[str, Any]:
    return notice_card(_notice(p), url=page_of(p, base_url), base_url=base_url)


def end_message(p: Promotion, *, base_url: str) -> str:
    return noticed(_notice(p), url=page_of(p, base_url))


def _notice(p: Promotion) -> Notice:
    """How a promotion ended, or the verdict it is closing with."""
    verdict = p.verdict or (p.ending.verdict if p.ending else None)
    if verdict is None:
        raise AssertionError("a notice tells of an end; this promotion is open and has no verdict")
    return Notice(
        promotion=id_of(p),
        model=p.model,
        environment=p.env,
        version=p.registration.version,
        title=verdict.value,
        tone=TONES[verdict],
        sentence=p.sentence or (p.ending.sentence if p.ending else ""),
        actor=p.actor or (p.ending.actor if p.ending else ""),
        at=p.ended_at or (p.ending.at if p.ending else None),
    )
