"""The same rows and facts as `decide` is given them: `state_of` the rows, `possible` facts of the outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product

from orchestrator import model as m
from orchestrator.bound import plan_row
from orchestrator.plan import RolloutPlan
from orchestrator.seen import DeploymentSeen, EndpointSeen, OriginSeen, PastSeen, TargetSeen
from orchestrator.serving import Orphan, Retirement, Rollback
from orchestrator.world import TAG_LIVE, TAG_SLOT, Look, Sight
from tests.core.enumeration.axes import Place
from tests.core.enumeration.axes_by_hand import (
    BLUE,
    GREY,
    RED,
    RED_DIGEST,
    Hand,
    Origin,
    Past,
    Rows,
    Stop,
    There,
    Way,
    Who,
)
from tests.core.enumeration.axes_outside import Dep, Kind
from tests.core.enumeration.build_promotion import received, registration
from tests.core.enumeration.build_slot import serving
from tests.core.enumeration.figures import (
    AN_HOUR,
    ANA,
    ENDPOINT,
    LONG_AGO,
    RECENT,
    SLOT,
    THIS,
)

# ---- rows ------------------------------------------------------------------------------------------------

TO = m.Serving(
    version="5",
    target_version="5",
    digest=RED_DIGEST,
    deployment=RED,
    since=LONG_AGO,
    n=2,
    registered_at=LONG_AGO,
)
_BACK = Rollback(by=ANA, name="Ana", reason="because", at=RECENT, to=TO)
_GONE = Retirement(by=ANA, name="Ana", reason="because", at=RECENT, endpoint=ENDPOINT)
_ORDERS = {
    Hand.ROLLING: _BACK,
    Hand.ROLLING_NOW: replace(_BACK, wrote_at=RECENT),
    Hand.ROLLING_OLD: replace(_BACK, wrote_at=LONG_AGO),
    Hand.RETIRING: _GONE,
    Hand.RETIRING_NOW: replace(_GONE, asked_at=RECENT),
    Hand.RETIRING_OLD: replace(_GONE, asked_at=LONG_AGO),
    Hand.RETIRING_OTHER: replace(_GONE, endpoint="another-qa"),
}


@cache
def state_of(row: Rows) -> m.SlotState:
    order = _ORDERS.get(row.hand)
    grey = Orphan(since=LONG_AGO - timedelta(hours=1) if row.hand is Hand.LEFT_DUE else RECENT)
    left = row.hand in (Hand.LEFT_DUE, Hand.LEFT_YOUNG)
    way = _in_the_way(row)
    slot = m.Slot(
        model="titanic",
        env="qa",
        serving=serving(row.serves),
        previous=None if row.hand in (Hand.SAYS_ROLLBACK_FIRST,) or not row.serves else TO,
        rollback=order if isinstance(order, Rollback) else None,
        retirement=order if isinstance(order, Retirement) else None,
        open=(THIS,) if way else (),
        mover=THIS if way else None,
        hold="by hand" if row.stop is Stop.HELD else "",
        foreign=_changed(row),
        pending=("fact",) if row.hand.says else (),
        retiring={RED: AN_HOUR} if row.hand.rolling or left else {},
        orphans=(GREY,) if left else (),
        orphaned={GREY: grey} if left else {},
        next_n=9,
    )
    facts = {"fact": _said(row.hand)} if row.hand.says else {}
    return m.SlotState(slot, {THIS: way} if way else {}, facts=facts)


def _changed(row: Rows) -> m.Foreign | None:
    said = f"traffic is {GREY} 100 %; {BLUE} 100 % is recorded"
    return m.Foreign(sentence=said, traffic={GREY: 100}, at=LONG_AGO) if row.stop is Stop.CHANGED else None


def _in_the_way(row: Rows) -> m.Promotion | None:
    if row.way is Way.NONE:
        return None
    far = {"candidate": "green", "not_before": AN_HOUR, "trouble": "busy", "gated": True, "preflighted": True}
    wrote = {"wanted": {"green": 100}, "wrote_at": RECENT}
    lost = m.Ending(
        verdict=m.Verdict.FAILED, reason=m.Reason.PROBE, sentence="no", actor="greenlight", at=RECENT
    )
    more: dict[str, object] = {
        Way.DEPLOYS: {},
        Way.WROTE: wrote,
        Way.LOST: {"ending": lost},
        Way.WON: {
            **wrote,
            "ending": replace(lost, verdict=m.Verdict.LIVE, reason=m.Reason.LIVE),
            "not_before": None,
        },
        Way.ADOPTS: {"adoption": m.Adoption(by=ANA, name="Ana", reason="because")},
        Way.RETURNS: {"rollback": _BACK},
    }[row.way]
    plan = plan_row(RolloutPlan())
    return received(THIS, row.place, bool(row.serves), **{**far, "plan": plan, **more})


@cache
def _said(hand: Hand) -> m.Fact:
    command = hand.name.removeprefix("SAYS_").removesuffix("_FIRST").lower()
    detail = {"command": command, "name": "Ana", "reason": "because", "n": 0}
    return m.Fact(
        key="fact", kind=m.FactKind.COMMANDED, model="titanic", env="qa", version="9", at=RECENT,
        accepted_at=RECENT, by=ANA, detail=detail,
    )  # fmt: skip


# ---- the outside -----------------------------------------------------------------------------------------


def possible(row: Rows, look: Look) -> Iterator[tuple[object, object]]:
    """Abstract value, and what `decide` is shown."""
    match look.sight:
        case Sight.ENDPOINT:
            yield from ((there, shown(there)) for there in theres(row))
        case Sight.PAST:
            yield from ((past, _past(past)) for past in Past)
        case Sight.ORIGIN:
            yield from ((origin, _origin(origin)) for origin in Origin)
        case Sight.TARGET:
            yield "target", TargetSeen("7", "azureml://frozen/3", "digest-of-green")
        case Sight.FROZEN:
            yield "intact", True
        case _:
            yield "us", SLOT


def theres(row: Rows) -> Iterator[There]:
    yield There(Kind.ABSENT, Who.NOBODY, Dep.ABSENT)
    reds = (Dep.ABSENT, Dep.SUCCEEDED, Dep.UPDATING, Dep.FAILED, Dep.DELETING)
    greys = (Dep.ABSENT,)
    if row.hand in (Hand.LEFT_DUE, Hand.LEFT_YOUNG):
        reds, greys = (Dep.ABSENT, Dep.SUCCEEDED), (Dep.ABSENT, Dep.SUCCEEDED, Dep.UPDATING, Dep.DELETING)
    kinds = (Kind.SUCCEEDED, Kind.UPDATING, Kind.FAILED, Kind.FOREIGN, Kind.UNMARKED)
    for kind, who, red, grey, tag in product(kinds, Who, reds, greys, (BLUE, RED)):
        if (who in (Who.RED, Who.BOTH) and red is Dep.ABSENT) or (who is Who.GREY and grey is Dep.ABSENT):
            continue
        yield There(kind, who, red, grey, tag)
        if red is Dep.SUCCEEDED and row.hand.rolling:
            yield There(kind, who, red, grey, tag, other=True)
        if grey is not Dep.ABSENT:
            yield There(kind, who, red, grey, tag, theirs=True)


SPLIT = {Who.BLUE: {BLUE: 100}, Who.RED: {RED: 100}, Who.BOTH: {BLUE: 50, RED: 50}, Who.GREY: {GREY: 100}}


@cache
def shown(there: There) -> EndpointSeen | None:
    if there.kind is Kind.ABSENT:
        return None
    state = there.kind.name.title() if there.kind in (Kind.UPDATING, Kind.FAILED) else "Succeeded"
    mark = {Kind.FOREIGN: {TAG_SLOT: "other@qa"}, Kind.UNMARKED: dict[str, str]()}.get(
        there.kind, {TAG_SLOT: SLOT}
    )
    made = {
        BLUE: DeploymentSeen(BLUE, "Succeeded", model=("titanic", "6"), slot=SLOT),
        RED: DeploymentSeen(
            RED, there.red.name.title(), model=("titanic", "4" if there.other else "5"), slot=SLOT
        ),
        GREY: DeploymentSeen(GREY, there.grey.name.title(), slot="other@qa" if there.theirs else SLOT),
    }
    gone = {RED: there.red is Dep.ABSENT, GREY: there.grey is Dep.ABSENT, BLUE: False}
    deployments = {name: found for name, found in made.items() if not gone[name]}
    return EndpointSeen(ENDPOINT, state, SPLIT.get(there.who, {}), {**mark, TAG_LIVE: there.tag}, deployments)


@cache
def _past(past: Past) -> PastSeen:
    if past is Past.GONE:
        return PastSeen(None)
    digest = "another" if past is Past.OTHER else RED_DIGEST
    p = replace(received(2, Place.LATER, True), digest=digest, frozen="azureml://frozen/2")
    return PastSeen(p, "" if past is Past.UNVOUCHED else "request 1 of #2")


@cache
def _origin(origin: Origin) -> OriginSeen:
    if origin is Origin.ABSENT:
        return OriginSeen(None)
    made = registration(THIS) if origin is Origin.OPEN else registration(5)
    return OriginSeen(made, origin is not Origin.NEW, origin is Origin.ARCHIVED, "digest", 7)
