"""The promotions of an abstract scene, with their requests and votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from orchestrator import model as m
from orchestrator.approval import Decision, Request, Subject, Vote
from orchestrator.bound import hash_of
from orchestrator.preflight import QUOTA, RIGHTS
from tests.core.enumeration.axes import (
    End,
    Newer,
    Place,
    Stage,
    Votes,
)
from tests.core.enumeration.figures import (
    AN_HOUR,
    ANA,
    APPROVAL,
    CANDIDATE,
    DIGEST,
    FROZEN,
    LONG_AGO,
    METRICS,
    NEW_DIGEST,
    NEWER,
    OLD_DIGEST,
    OLDER,
    RECENT,
    STABLE,
    TARGET,
    THIS,
    WORKSPACE,
)


@cache
def registration(n: int) -> m.Registration:
    return m.Registration(
        model="titanic",
        version=str(n + 4),
        created_at=LONG_AGO + timedelta(minutes=n),
        uri="azureml://dev",
        workspace=WORKSPACE,
        author="somebody",
        run_id="run",
    )


NEWEST = registration(NEWER)
OVERTAKEN = replace(registration(THIS), created_at=LONG_AGO - timedelta(hours=1))


def received(n: int, place: Place, serves: bool, **more: object) -> m.Promotion:
    fields: dict[str, Any] = {
        "n": n,
        "model": "titanic",
        "env": "qa",
        "registration": registration(n),
        "opened_at": LONG_AGO,
        "origin": "event",
        "updated_at": LONG_AGO,
        "stable_digest": OLD_DIGEST if serves else "",
        "digest": DIGEST if n == THIS else NEW_DIGEST,
        "metrics": METRICS if place.later else {},
    }
    return m.Promotion(**(fields | more))


@cache
def promotion(place: Place, stage: Stage, votes: Votes, end: End, serves: bool, backoff: bool) -> m.Promotion:
    """The promotion that is looked at: all that its stage says was committed."""
    rows = _adopting(stage) if stage.adopts else {**_checked(place, stage), **_online(place, stage)}
    if votes is not Votes.NOT_ASKED:
        rows["asks"] = k = 3 if votes is Votes.LAPSED_LAST else 1
        known = {Votes.UNTOLD: (), Votes.OPEN: (f"{k} asked",), Votes.QUORUM: (f"{k} asked",)}
        known[Votes.LATE] = known[Votes.OPEN]
        rows["told"] = known.get(votes, (f"{k} asked", f"{k} granted"))
    if end is not End.NONE:
        rows["ending"] = ENDINGS[end]
    if backoff:
        rows |= {"troubles": 1, "trouble": "the service was busy", "not_before": AN_HOUR}
    return received(THIS, place, serves, **rows)


def _checked(place: Place, stage: Stage) -> dict[str, Any]:
    """What the rows say until it is the promotion's turn."""
    rows: dict[str, Any] = {}
    if stage is Stage.NEW:
        rows["digest"] = ""
    if stage is Stage.SAME_BYTES:
        rows["digest"] = OLD_DIGEST
    if stage is Stage.OVERTAKEN:
        rows["registration"] = OVERTAKEN
    if stage in (Stage.SHORT_NOW, Stage.SHORT_OLD):
        since = RECENT if stage is Stage.SHORT_NOW else LONG_AGO
        rows |= {"asked": {QUOTA: since, RIGHTS: since}, "trouble": "there is no quota"}
    if stage >= Stage.FROZEN and place.later:
        rows["frozen"] = FROZEN
    if stage >= Stage.PREFLIGHTED:
        rows["preflighted"] = True
    if stage >= Stage.BELOW_GATE:
        gate = _gate("fail" if stage is Stage.BELOW_GATE else "pass")
        rows |= {"gated": True, "metrics": METRICS, "gates": (gate,)}
    return rows


def _online(place: Place, stage: Stage) -> dict[str, Any]:
    """What they say from then on."""
    rows: dict[str, Any] = {}
    if stage >= Stage.CHOSEN and place.later:
        rows["target_version"] = "7"
    if stage >= Stage.NAMED:
        rows["candidate"] = CANDIDATE
    if stage >= Stage.DEPLOY_NOW:
        rows["deploy_asked_at"] = RECENT if stage is Stage.DEPLOY_NOW else LONG_AGO
    if stage >= Stage.PROBED_BAD:
        rows["probe"] = probe(stage is not Stage.PROBED_BAD)
    if stage >= Stage.PLANNED:
        rows["wanted"] = {CANDIDATE: 100} if stage < Stage.BACK_PLANNED else {STABLE: 100}
    if stage in (Stage.WROTE_NOW, Stage.BACK_NOW):
        rows["wrote_at"] = RECENT
    if stage in (Stage.WROTE_OLD, Stage.BACK_OLD):
        rows["wrote_at"] = LONG_AGO
    return rows


def _adopting(stage: Stage) -> dict[str, Any]:
    rows: dict[str, Any] = {
        "adoption": m.Adoption(by=ANA, name="Ana", reason="because"),
        "candidate": CANDIDATE,
        "target_version": "7",
        "digest": "" if stage is Stage.ADOPT_NEW else DIGEST,
        "preflighted": stage >= Stage.ADOPT_NAMED,
    }
    if stage >= Stage.ADOPT_PLANNED:
        rows["wanted"] = {CANDIDATE: 100}
    if stage >= Stage.ADOPT_WROTE_NOW:
        rows["wrote_at"] = RECENT if stage is Stage.ADOPT_WROTE_NOW else LONG_AGO
    return rows


@cache
def probe(ok: bool) -> m.Probe:
    return m.Probe(ok=ok, sentence="answered", status=200 if ok else 500, seconds=0.1, at=RECENT)


@cache
def _gate(verdict: str) -> m.GateResult:
    return m.GateResult(gate="auc", verdict=verdict, sentence=f"auc: {verdict}")


def _ending(verdict: m.Verdict, reason: m.Reason) -> m.Ending:
    return m.Ending(verdict=verdict, reason=reason, sentence="so it is", actor="greenlight", at=RECENT)


ENDINGS: Mapping[End, m.Ending] = {
    End.LIVE: _ending(m.Verdict.LIVE, m.Reason.LIVE),
    End.FAILED: _ending(m.Verdict.ERRORED, m.Reason.FOREIGN_CHANGE),
}


@cache
def older_one() -> m.Promotion:
    """An older promotion that moves the slot and is backing off: it does nothing, and it does not end."""
    return received(OLDER, Place.LATER, True, not_before=AN_HOUR, trouble="busy", candidate="yellow")


@cache
def newer(place: Place, state: Newer) -> m.Promotion:
    """The newer promotion: far enough to matter, with nothing to do by itself but wait or take its turn."""
    rows: dict[str, Any] = {"frozen": "azureml://frozen/4" if place.later else "", "preflighted": True}
    if state is Newer.GATING:
        return received(NEWER, place, True, **rows, not_before=AN_HOUR, trouble="busy")
    rows |= {"gated": True, "gates": (_gate("fail" if state is Newer.BELOW_GATE else "pass"),)}
    if place.ruled and state is not Newer.BELOW_GATE:
        rows |= {"asks": 1, "told": ("1 asked", "1 granted") if state is Newer.GRANTED else ()}
    return received(NEWER, place, True, **rows)


# ---- requests -----------------------------------------------------------------------------------------


def incumbent(serves: bool) -> str:
    return f"{OLD_DIGEST} {STABLE}" if serves else ""


@cache
def asked(votes: Votes, serves: bool) -> tuple[Request, tuple[Vote, ...]]:
    """The request and its votes. A lapsed one is about what served before something else did."""
    made = request(
        THIS,
        DIGEST,
        "another incumbent" if votes in (Votes.LAPSED, Votes.LAPSED_LAST) else incumbent(serves),
        told=votes is not Votes.UNTOLD,
        k=3 if votes is Votes.LAPSED_LAST else 1,
        asked_at=RECENT if votes is not Votes.LATE else LONG_AGO,
        expires=RECENT if votes is Votes.EXPIRED else AN_HOUR,
    )
    if votes in (Votes.UNTOLD, Votes.OPEN, Votes.LATE, Votes.EXPIRED):
        return made, ()
    return made, (vote(made, Decision.REJECT if votes is Votes.REJECTED else Decision.APPROVE),)


@cache
def request(
    n: int,
    digest: str,
    incumbent: str,
    *,
    told: bool,
    k: int = 1,
    expires: datetime = AN_HOUR,
    asked_at: datetime = RECENT,
) -> Request:
    return Request(
        n=n,
        k=k,
        hash=hash_of({}),
        subject=Subject(digest=digest, target=TARGET, incumbent=incumbent),
        snapshot={},
        rule=APPROVAL.rule(),
        asked_at=asked_at,
        expires_at=expires,
        notified={"queue": LONG_AGO} if told else {},
    )


def vote(request: Request, decision: Decision) -> Vote:
    return Vote(
        n=request.n, k=request.k, approver=ANA, name="Ana", entries=(ANA,), decision=decision, comment="",
        at=RECENT, channel="page", hash=request.hash, order=1,
    )  # fmt: skip
