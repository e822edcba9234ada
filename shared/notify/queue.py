"""The `approval-requests` message: the card's content as versioned JSON, for any other channel.

It carries no token: whoever can read the queue learns what is asked, and cannot answer in anyone's name.
The schema is in docs/messages.md; a field may be added within a version, none changes or goes.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from shared.notify.ask import Ask, Notice
from shared.untrusted import visible, visible_lines

VERSION = 1
MAX_MESSAGE = 48_000
"""A queue message holds 64 KiB; a reader that writes it back in Base64 still fits."""
_MANY = 50


def approval_requested(ask: Ask, *, url: str) -> str:
    """Someone is asked. `url` is the promotion's page, where a signed-in approver finds the request."""
    return _dump(
        {
            "version": VERSION,
            "kind": "approval.requested",
            "id": f"{ask.promotion} {ask.k} asked",
            "repeat": ask.repeat,
            "request": {
                "promotion": ask.promotion,
                "number": ask.k,
                "hash": ask.hash,
                "asked_at": _time(ask.asked_at),
                "expires_at": _time(ask.expires_at),
                "required": ask.required,
                "approvers": [
                    {"name": visible(a.name, 80), **({"id": a.id} if a.id else {"group": a.group})}
                    for a in ask.approvers[:_MANY]
                ],
            },
            "model": ask.model,
            "environment": ask.environment,
            "model_version": ask.version,
            "serving_version": ask.serving_version or None,
            "description": visible_lines(ask.description, 1000),
            "plan": visible(ask.plan, 400),
            "checks": visible(ask.checks, 400),
            "overlap": {
                "sentence": visible(ask.cost, 400),
                "instance_hours": _finite(ask.extra_hours),
                "cost": _finite(ask.extra_cost),
                "currency": ask.currency or None,
            },
            "metrics": [
                {
                    "name": visible(m.name, 80),
                    "candidate": _finite(m.candidate),
                    "serving": _finite(m.serving),
                }
                for m in ask.metrics[:_MANY]
            ],
            "gates": [
                {"name": visible(g.name, 80), "verdict": g.verdict, "sentence": visible(g.sentence, 200)}
                for g in ask.gates[:_MANY]
            ],
            "lineage": {
                "author": visible(ask.author, 100),
                "run_id": visible(ask.run_id, 100),
                "commit": visible(ask.commit, 100),
                "data_version": visible(ask.data_version, 100),
            },
            "digest": ask.digest,
            "size": ask.size,
            "url": url,
        }
    )


def noticed(notice: Notice, *, url: str) -> str:
    """A request waits still or was decided, or its promotion ended: `notice` says which."""
    return _dump(
        {
            "version": VERSION,
            "kind": "approval.noticed",
            "id": notice.id,
            "repeat": notice.repeat,
            "notice": notice.kind,
            "promotion": notice.promotion,
            "number": notice.k,
            "model": notice.model,
            "environment": notice.environment,
            "model_version": notice.version,
            "title": visible(notice.title, 80),
            "tone": notice.tone,
            "sentence": visible(notice.sentence, 1000),
            "actor": visible(notice.actor, 200),
            "at": _time(notice.at) if notice.at else None,
            "expires_at": _time(notice.expires_at) if notice.expires_at else None,
            "replaced_by": notice.replaced_by or None,
            "url": url,
        }
    )


def _dump(data: dict[str, Any]) -> str:
    """JSON that fits: long lists go before a message is refused by the queue and nobody hears of it."""
    text = json.dumps(data, ensure_ascii=False)
    for dropped in ("gates", "metrics", "description"):
        if len(text.encode()) <= MAX_MESSAGE:
            break
        data[dropped] = type(data.get(dropped, ""))()
        data["shortened"] = True
        text = json.dumps(data, ensure_ascii=False)
    return text


def _finite(value: float | None) -> float | None:
    """JSON knows no NaN."""
    return value if value is not None and math.isfinite(value) else None


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
