"""Rows -> the abstract scene that they stand for, after a commit: `build.state_of` undone."""

from __future__ import annotations

from orchestrator import model as m
from orchestrator.approval import Decision
from orchestrator.preflight import QUOTA, RIGHTS
from orchestrator.seen import Split
from tests.core.enumeration.axes import (
    Beside,
    Claim,
    End,
    Mover,
    Newer,
    Note,
    Outbox,
    Pending,
    Place,
    Retiring,
    Roll,
    Scene,
    Serves,
    Stage,
    Stopped,
    Votes,
)
from tests.core.enumeration.build_promotion import OVERTAKEN, incumbent
from tests.core.enumeration.figures import (
    BAKED,
    CANDIDATE,
    LONG_AGO,
    NEWER,
    NOW,
    OLD_DIGEST,
    RETIRED,
    SPLITS,
    STABLE,
    STEPS,
    THIS,
)
from tests.core.enumeration.scenes import WATCHES


def scene_of(state: m.SlotState, place: Place, canary: bool = False) -> Scene:
    slot, p = state.slot, state.promotions.get(THIS)
    serves = slot.serving is not None
    roll = roll_of(p, serves) if canary and p is not None else Roll.ONE
    stage = Stage.ABSENT if p is None else _stage_of(p, place, slot.mover == THIS)
    if p is not None and roll is not Roll.ONE and p.wanted:
        stage = _rolling(p, roll, serves, stage)
    end = End.NONE if p is None or p.ending is None else End.FAILED
    if p is not None and p.ending is not None and p.ending.verdict is m.Verdict.LIVE:
        end = End.LIVE
    return Scene(
        place=place,
        stage=stage,
        votes=_votes_of(state, place, stage, end),
        end=end,
        mover=Mover.NONE if slot.mover is None else (Mover.THIS if slot.mover == THIS else Mover.OTHER),
        serves=Serves.NOTHING if slot.serving is None else Serves.BLUE,
        beside=_beside_of(state, p),
        roll=roll,
        note=_note_of(p) if stage in WATCHES and p is not None else Note.NONE,
    )


def roll_of(p: m.Promotion, serves: bool) -> Roll:
    """At which step of its plan it is; after the last one, that."""
    return STEPS[min(p.step, len(STEPS) - 1)] if serves else Roll.WHOLE


def _rolling(p: m.Promotion, roll: Roll, serves: bool, stage: Stage) -> Stage:
    if p.wanted == {STABLE: 100} and not p.mirror:
        return stage
    if p.step >= (len(STEPS) if serves else 1):
        return Stage.THROUGH
    if Split(p.wanted, p.mirror) != SPLITS[roll]:
        return Stage.BETWEEN
    if p.step_at is not None:
        ages = {LONG_AGO: Stage.OVERDUE, BAKED: Stage.BAKED}
        return ages.get(p.step_at, Stage.WATCHED)
    return Stage.PLANNED if p.wrote_at is None else WROTE[p.wrote_at <= LONG_AGO]


WROTE = (Stage.WROTE_NOW, Stage.WROTE_OLD)


def _note_of(p: m.Promotion) -> Note:
    if p.health is None:
        return Note.NONE
    if p.replayed is not None:
        return Note.REPLAYED if p.health.verdict == "healthy" else Note.ASKED
    if p.health.verdict == "healthy":
        return Note.HEALTHY
    return Note.VOUCHED if p.health.vouched else Note.UNSURE


def _beside_of(state: m.SlotState, p: m.Promotion | None) -> Beside:
    slot = state.slot
    stopped = Stopped.HELD if slot.hold else Stopped.NO
    claim = Claim.NONE
    if slot.claim is not None:
        claim = Claim.LIVE if slot.claim.until > NOW else Claim.DEAD
    return Beside(
        retiring=_retiring_of(slot),
        newer=_newer_of(state),
        pending=_pending_of(state),
        stopped=Stopped.CHANGED if slot.foreign else stopped,
        claim=claim,
        offering=bool(slot.offering),
        backoff=p is not None and p.not_before is not None and p.not_before > NOW,
        resting=slot.not_before is not None and slot.not_before > NOW,
        outbox=_outbox_of(slot),
    )


def _outbox_of(slot: m.Slot) -> Outbox:
    """The first notice stands for all of them."""
    if not slot.outbox:
        return Outbox.NONE
    (delivery,) = slot.outbox[0].to.values()
    if delivery.not_before is not None and delivery.not_before > NOW:
        return Outbox.LATER
    return Outbox.TRIED if delivery.begun else Outbox.DUE


def _stage_of(p: m.Promotion, place: Place, moves: bool) -> Stage:
    if p.adoption is not None:
        return _adoption_stage_of(p)
    if p.wanted:
        stages = (Stage.PLANNED, Stage.WROTE_NOW, Stage.WROTE_OLD)
        if CANDIDATE not in {**p.wanted, **p.mirror}:
            stages = (Stage.BACK_PLANNED, Stage.BACK_NOW, Stage.BACK_OLD)
        return stages[0 if p.wrote_at is None else (1 if p.wrote_at > LONG_AGO else 2)]
    if p.deploy_asked_at is not None and p.probe is None:
        return Stage.DEPLOY_NOW if p.deploy_asked_at > LONG_AGO else Stage.DEPLOY_OLD
    passed = bool(p.gates) and p.gates[0].verdict == "pass"
    reached = (
        (p.probe is not None and p.probe.ok, Stage.PROBED),
        (p.probe is not None, Stage.PROBED_BAD),
        (bool(p.candidate), Stage.NAMED),
        (bool(p.target_version), Stage.CHOSEN),
        (moves, Stage.TURN),
        (p.gated and passed, Stage.GATED),
        (p.gated, Stage.BELOW_GATE),
        (p.preflighted, Stage.PREFLIGHTED),
        (max(p.asked.values(), default=LONG_AGO) > LONG_AGO and _short(p), Stage.SHORT_NOW),
        (_short(p), Stage.SHORT_OLD),
        (p.registration == OVERTAKEN, Stage.OVERTAKEN),
        (p.digest == OLD_DIGEST, Stage.SAME_BYTES),
        (bool(p.frozen) and place.later, Stage.FROZEN),
        (bool(p.digest), Stage.DIGESTED),
        (True, Stage.NEW),
    )
    return next(stage for so, stage in reached if so)


def _short(p: m.Promotion) -> bool:
    return QUOTA in p.asked or RIGHTS in p.asked


def _adoption_stage_of(p: m.Promotion) -> Stage:
    if p.wrote_at is not None:
        return Stage.ADOPT_WROTE_NOW if p.wrote_at > LONG_AGO else Stage.ADOPT_WROTE_OLD
    if p.wanted:
        return Stage.ADOPT_PLANNED
    if p.preflighted:
        return Stage.ADOPT_NAMED
    return Stage.ADOPT_DIGESTED if p.digest else Stage.ADOPT_NEW


def _votes_of(state: m.SlotState, place: Place, stage: Stage, end: End) -> Votes:
    request = state.requests.get(THIS)
    if not place.ruled or stage < Stage.GATED:
        return Votes.NOT_ASKED
    if end is not End.NONE:
        return Votes.ENOUGH
    if request is None:
        return Votes.NOT_ASKED
    answers = {v.decision for v in state.votes.get(THIS, ())}
    if Decision.REJECT in answers:
        return Votes.REJECTED
    if not answers and request.expires_at <= NOW:
        return Votes.EXPIRED
    if request.subject.incumbent != incumbent(state.slot.serving is not None):
        return Votes.LAPSED_LAST if request.k == 3 else Votes.LAPSED
    told = state.promotions[THIS].told
    if answers:
        return Votes.ENOUGH if f"{request.k} granted" in told else Votes.QUORUM
    if f"{request.k} asked" not in told:
        return Votes.UNTOLD
    warned = f"{request.k} late 1" in told or request.asked_at > LONG_AGO or request.extensions
    return Votes.OPEN if warned else Votes.LATE


def _retiring_of(slot: m.Slot) -> Retiring:
    if RETIRED in slot.retiring:
        return Retiring.WARM if slot.retiring[RETIRED] > NOW else Retiring.DUE
    return Retiring.SERVES if slot.retiring else Retiring.NONE


def _newer_of(state: m.SlotState) -> Newer:
    q = state.promotions.get(NEWER)
    if q is None or q.ending is not None or state.slot.mover == NEWER:  # it goes its own way now
        return Newer.NONE
    if not q.gated:
        return Newer.GATING
    if q.gates[0].verdict != "pass":
        return Newer.BELOW_GATE
    return Newer.GRANTED if state.votes.get(NEWER) else Newer.READY


def _pending_of(state: m.SlotState) -> Pending:
    if not state.slot.pending:
        return Pending.NONE
    fact = state.facts["fact"]
    if fact.kind is not m.FactKind.COMMANDED:
        return Pending.ARRIVAL
    return Pending[str(fact.detail["command"]).upper()]
