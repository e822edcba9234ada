"""Why is it (not) moving? One answer for the page, the API and the CLI. Pure.

It reads what is stored; it never looks at the world, so what it says is what the engine last knew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from orchestrator.catalogue import UNKNOWN, classify
from orchestrator.explain_rollout import shifting
from orchestrator.explain_waiting import Explanation, awaiting, until, untold
from orchestrator.model import Phase, Promotion, Reason, Slot, SlotState, Unread, Verdict
from shared.figures import span

ADVICE: dict[Reason, str] = {
    Reason.LIVE: "Nothing to do.",
    Reason.NOT_FOUND: "Check that the version exists in the first environment; register it again.",
    Reason.ARCHIVED: "Restore the version in the workspace or register a new one.",
    Reason.BYTES_CHANGED: "Find out who changed the files, then register them as a new version.",
    Reason.UNCHANGED: "Nothing to do: these bytes already serve here.",
    Reason.PREFLIGHT: "Mend what the sentence names, then promote again.",
    Reason.UNLOADABLE: "Log the model with MLflow, as a whole, and register it as a new version.",
    Reason.INSTANCE_TYPE: "Correct instance_type in greenlight.yaml, then `greenlight retry` it.",
    Reason.QUOTA: "Raise the quota, or delete what nobody needs; then `greenlight retry` it.",
    Reason.RIGHTS: "Give Greenlight's identity the role (docs/deploy.md), then `greenlight retry` it.",
    Reason.GATE: "Train a better model, or change the gate in greenlight.yaml.",
    Reason.REJECTED: "Talk to whoever rejected it; a new version asks anew.",
    Reason.EXPIRED: "Promote again to ask again.",
    Reason.SUPERSEDED: "Look at the newer version.",
    Reason.LAPSED: "What serves here keeps changing; promote again when it has come to rest.",
    Reason.REGISTER: "See what the target workspace refused, mend it, then promote again.",
    Reason.ENDPOINT: "Look at the endpoint in the studio, mend or remove it, then promote again.",
    Reason.DEPLOY: "Read the deployment's log; mend the model or its environment; register a new version.",
    Reason.PROBE: "Send the sample request to the model yourself; mend it, then register a new version.",
    Reason.GOLDEN: "Mend the model; an honest one needs other golden answers or tolerances, then `retry`.",
    Reason.LATENCY: "A smaller model, a larger instance_type, or another budget; then `greenlight retry` it.",
    Reason.SIGNATURE: "Register a version with the same inputs; if it is meant: probe.signature: any.",
    Reason.FOREIGN_CHANGE: "Someone changed the endpoint: `greenlight restore` or `adopt`, then `retry`.",
    Reason.GAVE_UP: "See the decision trail for what kept failing; mend it, then `greenlight retry` it.",
    Reason.ABORTED: "Nothing to do; `greenlight retry` promotes the same registration again.",
    Reason.WITHDRAWN: "Nothing to do; `greenlight retry` promotes the same registration again.",
    Reason.UNHEALTHY: "What served before serves again. Read the candidate's log; register a new version.",
    Reason.ROLLBACK: "Find out what was wrong with it; `greenlight resume` lets new versions move again.",
    Reason.ADOPTED: "Nothing to do: it is the baseline now.",
}


def explain(state: SlotState | None, p: Promotion, now: datetime) -> Explanation:
    """Why this promotion is where it is."""
    if not p.open:
        return _ended(p, state)
    if state is None:
        return _gone(p)
    if state.unread is not None:
        return _unread(state.unread)
    blocks = tuple(_blocks(state, p, now))
    if p.ending is not None:
        return _ending(p, blocks)
    said = _BY_PHASE[p.phase](state, p, now)
    if not blocks:
        return said
    return Explanation(said.headline, (*blocks, *said.because), _way_on(state.slot) or said.next)


def explain_slot(state: SlotState, now: datetime) -> Explanation:
    """Why a slot is as it is when one asks for it rather than for a promotion."""
    if state.unread is not None:
        return _unread(state.unread)
    slot = state.slot
    serving = (
        f"Version {slot.serving.version} has served for {span(now - slot.serving.since)}"
        if slot.serving
        else "Nothing serves here yet"
    )
    because = [*_slot_blocks(state, now)]
    stopped = slot.hold or slot.foreign
    for name, due in slot.retiring.items():
        because.append(f"{name} is kept for now" if stopped else f"{name} is removed {until(due, now)}")
    if slot.orphans:
        because += _orphaned(slot)
    because += untold(slot.outbox, now)
    if slot.told:
        because.append(f"last command: {slot.told}")
    if slot.pending:
        because.append(f"{_count(len(slot.pending), 'accepted fact')} not yet looked at")
    if slot.offering:
        because.append("what went live is being offered to the next environment")
    open_ones = ", ".join(f"#{n}" for n in slot.open)
    following = (
        f"Open: {open_ones}." if slot.open else "Nothing is open; a registration or an offer starts one."
    )
    return Explanation(serving, tuple(because), f"{_way_on(slot)} {following}".strip())


def _unread(unread: Unread) -> Explanation:
    because = (unread.why, "what serves goes on serving; other slots are not affected")
    return Explanation("Left alone: its rows cannot be read", because, unread.fix)


def _gone(p: Promotion) -> Explanation:
    because = (f"this row says {p.phase}, but nothing moves a slot without its row",)
    return Explanation(
        "Left alone: the row of its slot is gone", because, "`greenlight rebuild` restores it."
    )


def _orphaned(slot: Slot) -> list[str]:
    """Each with what it costs, as far as it is known."""
    costs = {name: slot.orphaned[name].hourly for name in slot.orphans if name in slot.orphaned}
    said = [f"{name} ({costs[name]} each hour)" if costs.get(name) else name for name in slot.orphans]
    when = "kept while the slot is stopped" if slot.hold or slot.foreign else "removed after a while"
    return [f"nothing needs {', '.join(said)} any more: {when}"]


def _way_on(slot: Slot) -> str:
    """What a person must do before anything new moves here; empty: nothing."""
    if slot.foreign and not slot.foreign.restore:
        return (
            f"Nothing new moves until `greenlight restore {slot.key}` puts traffic back as recorded, "
            f"or `greenlight adopt {slot.key} --reason …` takes what serves as the baseline."
        )
    return f"Nothing new moves until `greenlight resume {slot.key}`." if slot.hold else ""


def _ended(p: Promotion, state: SlotState | None) -> Explanation:
    verdict = p.verdict or Verdict.ERRORED
    said = _VERDICTS[verdict]
    serving = state.slot.serving if state else None
    if verdict is Verdict.LIVE and serving is not None:
        said = "it serves" if serving.n == p.n else f"it served; version {serving.version} does now"
    because = [p.sentence] if p.sentence else []
    if p.actor and p.actor != "greenlight":
        because.append(f"decided by {p.actor}")
    return Explanation(
        f"{verdict}: {said}", tuple(because), _advice(p.reason, p.sentence) if p.reason else "Nothing to do."
    )


_OF_THE_PLATFORM = (Reason.DEPLOY, Reason.ENDPOINT, Reason.REGISTER, Reason.GAVE_UP)


def _advice(reason: Reason, sentence: str) -> str:
    """What to do: by the service's own words where they are known, else by the reason."""
    fault = classify(sentence) if reason in _OF_THE_PLATFORM else UNKNOWN
    return ADVICE[reason] if fault is UNKNOWN else f"{fault.means[:1].upper()}{fault.means[1:]}. {fault.fix}"


_VERDICTS: dict[Verdict, str] = {
    Verdict.LIVE: "it was observed serving",
    Verdict.REJECTED: "an approver said no",
    Verdict.EXPIRED: "nobody decided in time",
    Verdict.SUPERSEDED: "a newer version took its place",
    Verdict.UNCHANGED: "the same bytes already serve",
    Verdict.FAILED: "it is not good enough",
    Verdict.ERRORED: "it could not be found out",
    Verdict.ABORTED: "a person stopped it",
    Verdict.ROLLED_BACK: "traffic went back to what served before",
}


def _ending(p: Promotion, blocks: tuple[str, ...]) -> Explanation:
    ending = p.ending
    if ending is None:
        raise AssertionError("asked only about a promotion that has reached a verdict")
    undoing = bool(p.candidate) and ending.verdict is not Verdict.LIVE
    doing = "putting traffic back and removing the candidate" if undoing else "closing"
    return Explanation(
        f"{ending.verdict} is certain; {doing}",
        (*blocks, ending.sentence, *_in_flight(p)),
        "It closes when what serves is observed as it should be. " + _advice(ending.reason, ending.sentence),
    )


def _in_flight(p: Promotion) -> Iterator[str]:
    """A write that was sent cannot be called back: whatever was decided since then comes after it."""
    if p.wrote_at is not None and p.candidate in p.wanted:
        yield f"effective after its traffic write of {p.wrote_at:%H:%M:%S} UTC is observed"


def _blocks(state: SlotState, p: Promotion, now: datetime) -> Iterator[str]:
    """What keeps any action from being taken, most pressing first."""
    yield from _slot_blocks(state, now)
    if p.trouble and not p.troubles:  # nothing failed: there is nothing that automation may do
        yield p.trouble
    elif p.trouble:
        again = f"; tried again {until(p.not_before, now)}" if p.not_before else ""
        yield f"{_count(p.troubles, 'attempt')} failed, last: {p.trouble}{again}"
        fault = classify(p.trouble)
        if fault is not UNKNOWN:
            yield f"{fault.means}. {fault.fix}"


def _before_hold(state: SlotState) -> Iterator[str]:
    mover = state.promotions.get(state.slot.mover) if state.slot.mover is not None else None
    if mover is not None and mover.ending is None:
        yield from (f"#{mover.n}: the hold is {said}" for said in _in_flight(mover))


def _slot_blocks(state: SlotState, now: datetime) -> Iterator[str]:
    slot = state.slot
    if slot.hold:
        yield f"the slot is held: {slot.hold}"
        yield from _before_hold(state)
    if slot.rollback is not None:
        to = slot.rollback.to
        yield f"{slot.rollback.name} goes back to v{to.version} ({to.deployment}): {slot.rollback.reason}"
    if slot.retirement is not None:
        yield f"{slot.retirement.name} retires endpoint {slot.retirement.endpoint}: {slot.retirement.reason}"
    if slot.freeze and slot.freeze.until > now:
        yield f"freeze {slot.freeze.name!r} until {slot.freeze.until:%Y-%m-%d %H:%M} UTC"
    if slot.foreign and slot.foreign.restore:
        yield f"{slot.foreign.sentence}; traffic is being put back"
    elif slot.foreign:
        yield f"changed by hand: {slot.foreign.sentence} (seen {span(now - slot.foreign.at)} ago)"
    if slot.not_before is not None and slot.not_before > now:
        yield f"the slot could not be looked at: {slot.trouble}; tried again {until(slot.not_before, now)}"
    claim = slot.claim
    if claim is not None and claim.until > now:
        yield f"{claim.worker} is doing: {claim.action} (believed for another {span(claim.until - now)})"
    elif claim is not None:
        yield f"{claim.worker} went silent while doing: {claim.action}; what it did is looked at, not assumed"


def _received(_: SlotState, p: Promotion, __: datetime) -> Explanation:
    said = "the digest of its files is being made" if not p.digest else "it waits for its first look"
    return Explanation("Reading the registration", (said,), "Then it is checked.")


def _gating(_: SlotState, p: Promotion, __: datetime) -> Explanation:
    if not p.frozen and not p.gated:
        said = "its files are copied and digested before anything is measured or asked"
        return Explanation("Checking its files", (said,), "Then the gates are measured.")
    failed = tuple(g.sentence for g in p.gates if g.verdict != "pass")
    return Explanation("Checking name and gates", failed, "Then people are asked, where there is a rule.")


def _registering(_: SlotState, p: Promotion, __: datetime) -> Explanation:
    version = f" as version {p.target_version}" if p.target_version else ""
    headline = f"Registering in {p.env}{version}"
    return Explanation(headline, ("from the frozen copy that was approved",), "Then it is deployed at 0 %.")


def _deploying(_: SlotState, p: Promotion, now: datetime) -> Explanation:
    if not p.deploy_asked_at:
        return Explanation("Making the endpoint ready", (), "Then the candidate is deployed at 0 %.")
    since = f"asked for {span(now - p.deploy_asked_at)} ago; the platform takes minutes"
    return Explanation(f"Deploying {p.candidate} at 0 %", (since,), "Then it is asked by name.")


def _verifying(_: SlotState, p: Promotion, __: datetime) -> Explanation:
    far = f"{_count(len(p.probing), 'answer')} so far, all good; " if p.probing else ""
    because = (p.probe.sentence,) if p.probe else (f"{far}it has no live traffic yet",)
    return Explanation(f"Asking {p.candidate} by name", because, "Then it gets traffic, in one write.")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


_BY_PHASE: dict[Phase, Callable[[SlotState, Promotion, datetime], Explanation]] = {
    Phase.RECEIVED: _received,
    Phase.GATING: _gating,
    Phase.AWAITING_APPROVAL: awaiting,
    Phase.REGISTERING: _registering,
    Phase.DEPLOYING: _deploying,
    Phase.VERIFYING: _verifying,
    Phase.SHIFTING: shifting,
    Phase.ROLLING_BACK: shifting,
    Phase.ENDED: lambda state, p, __: _ended(p, state),
}
