"""The topic that Greenlight publishes its own events to. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from orchestrator.doctor.tried import Fault, Tried
from shared.notify.eventgrid import SEND, SENDER
from shared.rights import Granted, missing_data

WHERE = "GREENLIGHT_EVENTS_TOPIC"


@dataclass(frozen=True, kw_only=True)
class OwnTopicSeen:
    """How the topic answers, and whether Greenlight's identity may send to it."""

    host: str
    principal: str
    answers: Tried
    """MISSING: there is no such topic; OTHER: it does not answer."""
    topic: str = ""
    """Its ARM id; empty: not looked for, or not found."""
    granted: tuple[Granted, ...] | Unseen | None = None
    """What roles grant on it; None: the identity itself tried, and `answers` says how that went."""


def judge(seen: OwnTopicSeen, endpoint: str, names: Names) -> Iterator[Finding]:
    query = f"[?endpoint=='{endpoint}'].id | [0]"
    found = f'$(az eventgrid topic list --query "{query}" --output tsv)'
    match seen.answers.fault:
        case Fault.MISSING:
            wrong = f"{seen.host} is no topic: {seen.answers.why}"
            mend = f"az eventgrid topic list --query '[].endpoint'\n{names.set(WHERE, 'VALUE')}"
            yield Finding(code=Code.OWN_TOPIC_MISSING, where=WHERE, wrong=wrong, mend=mend)
        case Fault.OTHER:
            wrong = f"{seen.host} cannot be reached: {seen.answers.why}"
            mend = "az eventgrid topic list --query '[].endpoint'\ngreenlight doctor --only 'own topic'"
            yield Finding(code=Code.OWN_TOPIC_SILENT, where=WHERE, wrong=wrong, mend=mend)
        case Fault.FORBIDDEN:
            yield _forbidden(seen.answers.why, found, names, seen.principal)
        case None:
            yield from _role(seen, names)


def _role(seen: OwnTopicSeen, names: Names) -> Iterator[Finding]:
    if isinstance(seen.granted, Unseen):
        yield seen.granted.finding(WHERE)
    elif seen.granted is not None and missing_data(seen.granted, (SEND,)):
        why = f"identity {seen.principal} lacks {SEND} on {seen.topic}"
        yield _forbidden(why, seen.topic, names, seen.principal)


def _forbidden(why: str, scope: str, names: Names, principal: str) -> Finding:
    mend = f"{names.deploy()}\n{names.assign(SENDER, scope, principal)}"
    return Finding(code=Code.OWN_TOPIC_RIGHTS, where=WHERE, wrong=why, mend=mend)
