"""Stored values -> what the channels are told. Pure: adapters in shared/notify send it.

The card goes to people and carries a signed link; queue message and event go to systems and carry none.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from orchestrator.approval import Request
from orchestrator.delivering import Telling
from orchestrator.model import Promotion
from orchestrator.outbox import END, NoticeKind
from orchestrator.snapshot import shown
from orchestrator.views import id_of, registration_view
from orchestrator.votes import required
from shared.links import Links, RequestRef
from shared.names import promotion_id
from shared.notify.ask import Ask, Notice, Voter
from shared.notify.cards import approval_card, notice_card
from shared.notify.eventgrid import cloud_event
from shared.notify.queue import approval_requested, noticed

TITLES: dict[NoticeKind, tuple[str, str]] = {
    NoticeKind.ASKED: ("Approval needed", "neutral"),
    NoticeKind.REMINDER: ("Still waiting for a decision", "neutral"),
    NoticeKind.EXPIRING: ("Expires soon", "neutral"),
    NoticeKind.GRANTED: ("Approved", "good"),
    NoticeKind.REFUSED: ("Rejected", "bad"),
    NoticeKind.LAPSED: ("Approval lapsed", "neutral"),
    NoticeKind.EXPIRED: ("Expired", "neutral"),
    NoticeKind.SUPERSEDED: ("Superseded", "neutral"),
    NoticeKind.UNCHANGED: ("Unchanged", "neutral"),
    NoticeKind.LIVE: ("Live", "good"),
    NoticeKind.FAILED: ("Failed", "bad"),
    NoticeKind.ERRORED: ("Errored", "bad"),
    NoticeKind.ABORTED: ("Aborted", "bad"),
    NoticeKind.WITHDRAWN: ("Withdrawn", "neutral"),
    NoticeKind.ROLLED_BACK: ("Rolled back", "bad"),
}
"""Title and tone of each kind."""


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
        checks=seen.checks,
        cost=seen.cost,
        extra_hours=seen.extra_hours,
        extra_cost=seen.extra_cost,
        currency=seen.currency,
    )


def card_of(telling: Telling, *, links: Links, base_url: str, person: str = "") -> dict[str, Any]:
    """The card: what asks for a decision carries the signed link to the review page.

    `person`: TENANT/OBJECT-ID of the only one who reads it, whose identity the link then is.
    """
    p, request, notice = telling.promotion, telling.request, notice_of(telling)
    if telling.notice.kind.asks and p is not None and request is not None:
        ref = RequestRef(id_of(p), request.k, person)
        token = links.personal_token(ref) if person else links.review_token(ref)
        again = telling.notice.kind is not NoticeKind.ASKED
        ask = replace(
            ask_of(p, request),
            head=notice.title,
            note=notice.sentence if again else "",
            repeat=telling.repeat,
        )
        return approval_card(ask, review_url=f"{base_url.rstrip('/')}/review/{token}", base_url=base_url)
    if "/" in notice.actor:  # an id says nothing to people; the sentence has the name
        notice = replace(notice, actor="")
    newer = page_of(notice.replaced_by, base_url) if notice.replaced_by else ""
    return notice_card(notice, url=page_of(notice.promotion, base_url), base_url=base_url, newer_url=newer)


def message_of(telling: Telling, *, base_url: str) -> str:
    """The `approval-requests` message."""
    p, request, notice = telling.promotion, telling.request, notice_of(telling)
    url = page_of(notice.promotion, base_url)
    if telling.notice.kind is NoticeKind.ASKED and p is not None and request is not None:
        return approval_requested(replace(ask_of(p, request), repeat=telling.repeat), url=url)
    return noticed(notice, url=url)


def event_of(telling: Telling, *, base_url: str) -> dict[str, Any]:
    """The same values as one CloudEvent. Its id is the notice's: each attempt is the same event."""
    notice = notice_of(telling)
    about = "promotion" if telling.notice.mark == END else "approval"
    return cloud_event(
        source=base_url,
        name=notice.id,
        kind=f"greenlight.{about}.{notice.kind}",
        subject=f"{notice.model}/{notice.environment}/{notice.version}",
        at=telling.notice.at,
        data=json.loads(message_of(telling, base_url=base_url)),
    )


def page_of(promotion: str, base_url: str) -> str:
    return f"{base_url.rstrip('/')}/promotions/{promotion}"


def notice_of(telling: Telling) -> Notice:
    """A notice in words: what the slot's outbox says, with names and titles."""
    owed, (model, env) = telling.notice, telling.slot
    promotion = promotion_id(model, env, owed.version, owed.n)
    title, tone = TITLES[owed.kind]
    newer = promotion_id(model, env, owed.newer_version, owed.newer_n) if owed.newer_n else ""
    return Notice(
        id=f"{promotion} {owed.k} {owed.mark}",
        kind=owed.kind.value,
        promotion=promotion,
        k=owed.k,
        model=model,
        environment=env,
        version=owed.version,
        title=title,
        tone=tone,
        sentence=owed.sentence,
        actor=owed.actor,
        at=owed.at,
        expires_at=telling.request.expires_at if owed.kind.asks and telling.request else None,
        replaced_by=newer,
        repeat=telling.repeat,
    )
