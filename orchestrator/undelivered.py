"""What Event Grid wrote of events that it could not deliver -> letters with the reason in words. Pure, total.

A blob is an array of events, each as it was published with what became of it. The names of those facts are
all lower case in CloudEvents, so keys are read without regard to case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from shared.untrusted import visible

SOURCE = "eventgrid"
LONGEST = 20_000
"""Characters of an event that is kept whole. Of a longer one, what replaying needs is."""
_NEEDED = ("id", "topic", "source", "subject", "eventtype", "type", "eventtime", "time", "specversion")
_FACTS = (
    "deadletterreason",
    "deliveryattempts",
    "lastdeliveryoutcome",
    "publishtime",
    "lastdeliveryattempttime",
)
_OF_DATA = ("modelname", "modelversion", "runid")
_GAVE_UP: Mapping[str, str] = {
    "maxdeliveryattemptsexceeded": "after its last attempt",
    "timetoliveexceeded": "when its time was over",
    "undeliverableduetohttpstatuscode": "at once, for it never repeats after such an answer",
}
_OUTCOMES: Mapping[str, str] = {
    "notfound": "the function was not there: is `on_model_event` deployed, and named in the subscription?",
    "unauthorized": "the app did not let it in: `/runtime/webhooks/eventgrid` must stay open for sign-in",
    "forbidden": "the app refused it: look at access restrictions and at sign-in's excluded paths",
    "badrequest": "the host refused the request: is the delivery schema that of infra/events.bicep?",
    "timedout": "the app did not answer in 30 s: look at its load and at the storage account",
    "busy": "the app was busy: look at its instances and at the storage account",
    "payloadtoolarge": "the event is larger than the app takes",
    "socketerror": "no connection: was the app stopped, or its network closed?",
    "resolutionerror": "the app's address is unknown: was it deleted or renamed?",
    "disabled": "the app was stopped or disabled",
    "full": "the destination was full",
    "probation": "the app had failed for so long that nothing was tried any more",
    "invalidazurefunctiondestination": "no such Event Grid function: deploy the app, then events.bicep",
    "aborted": "the app failed while it took the event: look at its log of that time",
}
_YEAR = re.compile(r"20\d\d")


@dataclass(frozen=True)
class Undelivered:
    """One event. `payload` is what `greenlight replay` takes, or the text of what is no event."""

    payload: Mapping[str, Any] | str
    reason: str
    replayable: bool = True


def letters_of(data: bytes) -> list[Undelivered]:
    """Every event of a blob, in its order; never none: what cannot be read is a letter that says so."""
    text = data.decode("utf-8-sig", errors="replace")
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return [_unread(text, "it is not JSON")]
    each = cast("list[object]", found) if isinstance(found, list) else [found]
    return [_letter(one) for one in each] or [_unread(text, "it holds no event")]


def unread(why: str) -> Undelivered:
    """Of a blob that could not even be fetched."""
    return _unread("", why)


def _unread(text: str, why: str) -> Undelivered:
    return Undelivered(
        text, f"Event Grid could not deliver something, and its blob cannot be read: {why}", False
    )


def _letter(event: object) -> Undelivered:
    if not isinstance(event, Mapping):
        return _unread(json.dumps(event, ensure_ascii=False), "what it holds is no event")
    known = cast("Mapping[str, Any]", event)
    return Undelivered(_short(known), reason_of(known))


def reason_of(event: Mapping[str, Any]) -> str:
    """Why it was given up, in words, and what to do."""
    facts = {key.lower(): value for key, value in event.items()}
    why, outcome = (
        visible(facts.get(name) or "", 80) for name in ("deadletterreason", "lastdeliveryoutcome")
    )
    attempts = facts.get("deliveryattempts")
    times = f"{attempts} attempts" if isinstance(attempts, int) and attempts != 1 else "one attempt"
    when = _GAVE_UP.get(why.lower(), "")
    said = (
        f"Event Grid gave it up after {times}{f', {when}' if when else ''} ({why or 'no reason was given'})"
    )
    unknown = "see what it means in Event Grid's documentation" if outcome else "look at the app's log"
    last = _OUTCOMES.get(outcome.lower(), unknown)
    last = last if last.endswith("?") else f"{last}."
    return f"{said}. The last answer was {outcome or 'not recorded'}: {last} Mend that, then replay it"


def _short(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event, or of a long one the fields that replaying and people need."""
    if len(json.dumps(event, ensure_ascii=False)) <= LONGEST:
        return event
    kept = {k: _cut(v) for k, v in event.items() if k.lower() in (*_NEEDED, *_FACTS)}
    data = next((v for k, v in event.items() if k.lower() == "data"), None)
    if isinstance(data, Mapping):
        known = cast("Mapping[str, Any]", data)
        kept["data"] = {k: _cut(v) for k, v in known.items() if k.lower() in _OF_DATA}
    return kept


def _cut(value: object) -> object:
    """No field that counts is longer than a name."""
    return value[:1000] if isinstance(value, str) else value if isinstance(value, int | float) else None


def is_year(folder: str) -> bool:
    """Is this folder one of the dates below a subscription's name: `…/2026/`?"""
    return bool(_YEAR.fullmatch(folder.rstrip("/").rpartition("/")[2]))
