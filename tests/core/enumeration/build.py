"""An abstract scene -> the rows and the setting that `decide` is given. Parts are built once and shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from orchestrator import model as m
from orchestrator.approval import Decision, Request, Subject, Vote
from orchestrator.bound import hash_of
from orchestrator.delivering import GIVE_UP, TRIES
from orchestrator.opening import offer_detail
from orchestrator.outbox import Delivery, Notice, NoticeKind
from orchestrator.policy import (
    ApprovalPolicy,
    EnvironmentPolicy,
    MetricGate,
    ProbePolicy,
    RolloutPolicy,
    SlotPolicy,
)
from orchestrator.preflight import QUOTA, RIGHTS
from orchestrator.world import Setting
from tests.core.enumeration.axes import (
    Beside,
    Claim,
    End,
    Mover,
    Newer,
    Outbox,
    Pending,
    Place,
    Retiring,
    Scene,
    Serves,
    Stage,
    Stopped,
    Votes,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RECENT = NOW - timedelta(seconds=10)
"""Within the time in which a write may not be readable yet."""
LONG_AGO = NOW - timedelta(days=1)
AN_HOUR = NOW + timedelta(hours=1)
WARM = timedelta(hours=2)

SERVING, OLDER, THIS, NEWER = 1, 2, 3, 4
CANDIDATE, STABLE, RETIRED, STRANGER = "green", "blue", "red", "grey"
SLOT, ENDPOINT = "titanic@qa", "titanic-qa"
DIGEST, OLD_DIGEST, NEW_DIGEST = "digest-of-green", "digest-of-blue", "digest-of-newer"
FROZEN = "azureml://frozen/3"
TENANT = "11111111-1111-4111-8111-111111111111"
ANA = f"{TENANT}/33333333-0000-4000-8000-000000000002"
WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/p/workspaces/qa"
TARGET = f"{WORKSPACE.lower()} {ENDPOINT}"
METRICS = {"auc": 0.9}
FREEZE = m.Freeze(name="weekend", until=AN_HOUR)
APPROVAL = ApprovalPolicy.model_validate({"approvers": [{"name": "Ana", "id": ANA}], "exclude_author": False})


CHANGED_BY_HAND = (
    Stopped.CHANGED,
    Stopped.RESTORE,
    Stopped.RESTORE_NOW,
    Stopped.RESTORE_OLD,
    Stopped.RESTORE_LATE,
)


def setting_of(scene: Scene) -> Setting:
    """What is decided under."""
    at = scene.beside
    frozen = at.stopped in (Stopped.FREEZING, Stopped.FROZEN)
    return setting(scene.place, at.newer is Newer.READY_QUEUED, at.stopped is Stopped.PAUSED, frozen)


@cache
def setting(place: Place, queued: bool = False, paused: bool = False, frozen: bool = False) -> Setting:
    env = EnvironmentPolicy(
        name="qa",
        workspace=WORKSPACE,
        approval=APPROVAL if place.ruled else None,
        rollout=RolloutPolicy(warm=WARM),
        newer_version="queue" if queued else "supersede",
    )
    policy = SlotPolicy(
        env=env,
        probe=ProbePolicy(request="request.json"),
        gates=(MetricGate(metric="auc", min=0.8),),
        endpoint=ENDPOINT,
        first=not place.later,
        next_env="" if place.later else "prod",
    )
    return Setting(
        policy=policy,
        now=NOW,
        channels=("queue",),
        paused="at night" if paused else "",
        freeze=FREEZE if frozen else None,
    )


def state_of(scene: Scene) -> m.SlotState:
    """The rows of the slot."""
    at = scene.beside
    promotions: dict[int, m.Promotion] = {}
    requests: dict[int, Request] = {}
    votes: dict[int, tuple[Vote, ...]] = {}
    if scene.mover is Mover.OTHER:
        promotions[OLDER] = _older()
    if scene.stage is not Stage.ABSENT:
        serves = bool(scene.serves)
        promotions[THIS] = promotion(scene.place, scene.stage, scene.votes, scene.end, serves, at.backoff)
        if scene.votes is not Votes.NOT_ASKED:
            requests[THIS], votes[THIS] = asked(scene.votes, serves)
    if at.newer is not Newer.NONE:
        promotions[NEWER] = newer(scene.place, at.newer)
        if scene.place.ruled and at.newer in (Newer.READY, Newer.READY_QUEUED, Newer.GRANTED):
            made = request(NEWER, NEW_DIGEST, incumbent(bool(scene.serves)), told=True)
            requests[NEWER] = made
            votes[NEWER] = (_vote(made, Decision.APPROVE),) if at.newer is Newer.GRANTED else ()
    there = at.pending not in (Pending.NONE, Pending.LOST)
    facts = {"fact": fact(scene.place, at.pending)} if there else {}
    return m.SlotState(
        _slot(tuple(promotions), scene.serves, scene.mover, at), promotions, requests, votes, facts
    )


# ---- the slot -----------------------------------------------------------------------------------------


@cache
def _slot(numbers: tuple[int, ...], serves: Serves, mover: Mover, at: Beside) -> m.Slot:
    retiring = {
        Retiring.NONE: dict[str, datetime](),
        Retiring.WARM: {RETIRED: AN_HOUR},
        Retiring.DUE: {RETIRED: LONG_AGO},
        Retiring.SERVES: {STABLE: LONG_AGO},
    }
    until = {Claim.NONE: None, Claim.LIVE: AN_HOUR, Claim.DEAD: RECENT}[at.claim]
    return m.Slot(
        model="titanic",
        env="qa",
        serving=serving(serves),
        open=numbers,
        mover={Mover.NONE: None, Mover.THIS: THIS, Mover.OTHER: OLDER}[mover],
        claim=None if until is None else m.Claim(action="something", worker="someone", until=until),
        hold="by hand" if at.stopped is Stopped.HELD else "",
        freeze=FREEZE if at.stopped is Stopped.FROZEN else None,
        foreign=_foreign(at.stopped),
        pending=() if at.pending is Pending.NONE else ("fact",),
        retiring=retiring[at.retiring],
        offering=(SERVING,) if at.offering else (),
        not_before=AN_HOUR if at.resting else None,
        troubles=1 if at.resting else 0,
        trouble="the service was busy" if at.resting else "",
        outbox=owed(at.outbox),
        next_n=NEWER + 1,
    )


@cache
def owed(outbox: Outbox) -> tuple[Notice, ...]:
    """One notice stands for all; ASKING for those that ask for a decision."""
    if outbox is Outbox.NONE:
        return ()
    asking = outbox is Outbox.ASKING
    tried = Delivery(begun=1, failed=1, not_before=RECENT, why="the channel was busy")
    delivery = {
        Outbox.LATER: replace(tried, not_before=AN_HOUR),
        Outbox.TRIED: tried,
        Outbox.HOPELESS: replace(tried, begun=TRIES, failed=TRIES),
    }
    notice = Notice(
        n=THIS if asking else SERVING,
        k=1,
        mark="reminder" if asking else "end",
        kind=NoticeKind.REMINDER if asking else NoticeKind.LIVE,
        version="5",
        sentence="so it is",
        actor="greenlight",
        at=NOW - 2 * GIVE_UP if outbox is Outbox.OLD else RECENT,
        to={"pager" if outbox is Outbox.GONE else "queue": delivery.get(outbox, Delivery())},
    )
    return (notice,)


@cache
def serving(serves: Serves) -> m.Serving | None:
    if not serves:
        return None
    return m.Serving(
        version="6",
        target_version="6",
        digest=OLD_DIGEST,
        deployment=STABLE,
        since=RECENT if serves is Serves.JUST else LONG_AGO,
        n=SERVING,
        metrics=METRICS,
        registered_at=LONG_AGO,
    )


@cache
def _foreign(stopped: Stopped) -> m.Foreign | None:
    """Somebody gave everything to the stranger, as `foreign.difference` says it."""
    if stopped not in CHANGED_BY_HAND:
        return None
    wrote = {Stopped.RESTORE_NOW: RECENT, Stopped.RESTORE_OLD: RECENT - timedelta(minutes=5)}
    return m.Foreign(
        sentence=f"traffic is {STRANGER} 100 %; {STABLE} 100 % is recorded",
        traffic={STRANGER: 100},
        at=LONG_AGO if stopped is Stopped.RESTORE_LATE else NOW - timedelta(minutes=10),
        restore="" if stopped is Stopped.CHANGED else ANA,
        wrote_at=wrote.get(stopped),
    )


@cache
def fact(place: Place, pending: Pending) -> m.Fact:
    fields: dict[str, Any] = {"kind": m.FactKind.COMMANDED, "by": ANA, "detail": {"command": "dance"}}
    offer = offer_detail(_received(THIS, place, True), WORKSPACE, "azureml://dev")
    if pending is Pending.ARRIVAL and place.later:
        fields |= {"kind": m.FactKind.OFFERED, "detail": offer}
    elif pending is Pending.ARRIVAL:
        fields |= {"kind": m.FactKind.REGISTERED, "detail": {}}
    elif pending is not Pending.GIBBERISH:
        n = THIS if pending in (Pending.ABORT, Pending.WITHDRAW, Pending.EXTEND) else SERVING
        command = {"command": pending.name.lower(), "name": "Ana", "reason": "because", "n": n}
        fields |= {"detail": {**(offer if pending is Pending.RETRY else {}), **command}}
    common = {"key": "fact", "model": "titanic", "env": "qa", "version": "9"}
    return m.Fact(**common, at=LONG_AGO, accepted_at=LONG_AGO, **fields)


# ---- promotions ---------------------------------------------------------------------------------------


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


def _received(n: int, place: Place, serves: bool, **more: object) -> m.Promotion:
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
    return _received(THIS, place, serves, **rows)


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
def _older() -> m.Promotion:
    """An older promotion that moves the slot and is backing off: it does nothing, and it does not end."""
    return _received(OLDER, Place.LATER, True, not_before=AN_HOUR, trouble="busy", candidate="yellow")


@cache
def newer(place: Place, state: Newer) -> m.Promotion:
    """The newer promotion: far enough to matter, with nothing to do by itself but wait or take its turn."""
    rows: dict[str, Any] = {"frozen": "azureml://frozen/4" if place.later else "", "preflighted": True}
    if state is Newer.GATING:
        return _received(NEWER, place, True, **rows, not_before=AN_HOUR, trouble="busy")
    rows |= {"gated": True, "gates": (_gate("fail" if state is Newer.BELOW_GATE else "pass"),)}
    if place.ruled and state is not Newer.BELOW_GATE:
        rows |= {"asks": 1, "told": ("1 asked", "1 granted") if state is Newer.GRANTED else ()}
    return _received(NEWER, place, True, **rows)


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
    return made, (_vote(made, Decision.REJECT if votes is Votes.REJECTED else Decision.APPROVE),)


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


def _vote(request: Request, decision: Decision) -> Vote:
    return Vote(
        n=request.n, k=request.k, approver=ANA, name="Ana", entries=(ANA,), decision=decision, comment="",
        at=RECENT, channel="page", hash=request.hash, order=1,
    )  # fmt: skip
