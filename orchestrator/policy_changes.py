"""What another greenlight.yaml would do to every slot, before it is deployed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from orchestrator.model import SlotKey, SlotState
from orchestrator.policy_parts import SECRET_KEYS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from orchestrator.policy import Policy, SlotPolicy

_LONGEST = 120


@dataclass(frozen=True)
class SlotChange:
    """One slot. `change`: new | removed | changed; `lapses`: open requests that would be asked anew."""

    slot: SlotKey
    change: str
    says: tuple[str, ...]
    lapses: tuple[int, ...] = ()


@dataclass(frozen=True)
class Changes:
    """Everything that a new policy changes; `pipeline`: what concerns no single slot."""

    pipeline: tuple[str, ...]
    slots: tuple[SlotChange, ...]

    @property
    def any(self) -> bool:
        return bool(self.pipeline or self.slots)


def compare(old: Policy, new: Policy, states: Sequence[SlotState]) -> Changes:
    """`states`: every slot there is. A slot that is still to come is told for models that are known."""
    known = {state.slot.key: state for state in states}
    models = sorted({key.model for key in known})
    envs = tuple(dict.fromkeys((*new.environments, *old.environments)))
    slots = [
        change
        for key in (SlotKey(model, env) for model in models for env in envs)
        if (change := _slot(key, old.slot(*key), new.slot(*key), known.get(key)))
    ]
    return Changes(tuple(_pipeline(old, new)), tuple(slots))


# ---- the pipeline ---------------------------------------------------------------------------------------


def _pipeline(old: Policy, new: Policy) -> Iterator[str]:
    if old.environments != new.environments:
        yield f"environments: {', '.join(old.environments)} → {', '.join(new.environments)}"
    if old.source.workspace.lower() != new.source.workspace.lower():
        yield f"models come from another workspace, that of {new.source.name}: others count no more"
    if old.registry.lower() != new.registry.lower():
        now, before = (p.registry or f"the workspace of {p.source.name}" for p in (new, old))
        yield f"registrations come from {now} instead of {before}; what is open goes on"
    before, after = [m.match for m in old.file.models], [m.match for m in new.file.models]
    if before != after:
        yield f"models: {', '.join(before)} → {', '.join(after)} (the first match counts)"
    for name in ("channels", "prices", "currency"):
        pair = (_plain(getattr(old.file, name)), _plain(getattr(new.file, name)))
        yield from (f"{name}{line}" for line in _differences("", *pair))


# ---- one slot -------------------------------------------------------------------------------------------


def _slot(
    key: SlotKey, a: SlotPolicy | None, b: SlotPolicy | None, state: SlotState | None
) -> SlotChange | None:
    if a is None and b is None:
        return None
    if a is None and b is not None:
        rule = "people are asked" if b.env.approval else "nobody is asked"
        return SlotChange(key, "new", (f"endpoint {b.endpoint}; {rule} before anything moves",))
    if b is None:
        return SlotChange(key, "removed", tuple(_removed(a, state))) if a is not None and state else None
    if a is None:
        raise AssertionError("told above")
    said = (*_target(a, b, state), *_approval(a, b, state), *_rest(a, b))
    lapses = _asked(state) if _of(a) != _of(b) else ()
    return SlotChange(key, "changed", said, lapses) if said else None


def _removed(a: SlotPolicy | None, state: SlotState) -> Iterator[str]:
    slot = state.slot
    if slot.serving is not None and a is not None:
        yield (
            f"endpoint {a.endpoint} goes on serving version {slot.serving.version}, and nobody looks after"
            f" it: `greenlight retire {slot.key}` first, if it is to go"
        )
    if slot.open:
        yield f"open promotions stop where they are: {_numbers(slot.open)}"
    if not (slot.open or slot.serving):
        yield "nothing serves or is open there"


def _of(p: SlotPolicy) -> str:
    """As an approval names its target (bound.py)."""
    return f"{p.env.workspace.lower()} {p.endpoint}"


def _target(a: SlotPolicy, b: SlotPolicy, state: SlotState | None) -> Iterator[str]:
    if _of(a) == _of(b):
        return
    if a.endpoint != b.endpoint:
        yield f"endpoint {a.endpoint} → {b.endpoint}"
    if a.env.workspace.lower() != b.env.workspace.lower():
        yield f"workspace {a.env.workspace.rpartition('/')[2]} → {b.env.workspace.rpartition('/')[2]}"
    slot = state.slot if state else None
    if slot is not None and slot.serving is not None:
        yield (
            f"endpoint {a.endpoint} goes on serving version {slot.serving.version}, orphaned: "
            f"`greenlight retire {slot.key}` before the change, or delete it after"
        )
        yield (
            f"the slot stops as changed by hand until `greenlight adopt {slot.key} --reason …` says "
            f"what serves at {b.endpoint}"
        )
    if slot is not None and slot.mover is not None:
        yield f"promotion #{slot.mover} is moving the slot: wait for its end, or it finds no endpoint"
    asked = _asked(state)
    if asked:
        yield f"approvals of {_numbers(asked)} lapse, and people are asked anew"


def _asked(state: SlotState | None) -> tuple[int, ...]:
    """Open promotions with a request, whatever was answered to it."""
    if state is None:
        return ()
    return tuple(n for n in state.requests if n in state.promotions and state.promotions[n].ending is None)


def _approval(a: SlotPolicy, b: SlotPolicy, state: SlotState | None) -> Iterator[str]:
    old, new = a.env.approval, b.env.approval
    lines = _differences("approval", _plain(old), _plain(new)) if old and new else ()
    if bool(old) == bool(new) and not lines:
        return
    asked, waiting = _asked(state), _waiting(state)
    if old is None:
        yield "a rule is new: people are asked before anything moves"
        if waiting:
            yield f"open promotions ask them, too: {_numbers(waiting)}"
    elif new is None:
        yield "the rule goes: nobody is asked any more"
        if waiting:
            yield f"open promotions go on without an answer: {_numbers(waiting)}"
    else:
        yield from lines
        yield "requests from now on have the new rule"
        if asked:
            yield f"open requests keep the rule under which they were asked: {_numbers(asked)}"


def _waiting(state: SlotState | None) -> tuple[int, ...]:
    """Open promotions that do not move the slot yet."""
    if state is None:
        return ()
    return tuple(n for n, p in state.promotions.items() if p.ending is None and state.slot.mover != n)


_PARTS = {
    "rollout": "from the next rollout on; what was approved keeps the plan that was shown",
    "deployment": "from the next deployment on; what serves keeps its instances",
    "operators": "at once",
    "freeze": "at once",
    "newer_version": "at once",
    "keep_orphans": "at once",
}


def _rest(a: SlotPolicy, b: SlotPolicy) -> Iterator[str]:
    for name, when in _PARTS.items():
        lines = _differences(name, _plain(getattr(a.env, name)), _plain(getattr(b.env, name)))
        yield from lines
        if lines:
            yield f"{name}: {when}"
    checks = [
        *_differences("gates", _plain(a.gates), _plain(b.gates)),
        *_differences("probe", _plain(a.probe), _plain(b.probe)),
        *_differences("golden", _plain(a.golden), _plain(b.golden)),
    ]
    if not checks and a.checks != b.checks:
        checks = [f"checks of a candidate: {a.checks} → {b.checks}"]
    yield from checks
    if checks:
        yield "checks: from the next promotion on; what was checked already keeps its result"
    if (a.first, a.next_env) != (b.first, b.next_env):
        yield f"what goes live here is offered to {b.next_env or 'nobody'} (before: {a.next_env or 'nobody'})"


# ---- differences ----------------------------------------------------------------------------------------


def _plain(value: object) -> Any:
    """As JSON has it, without what stands under a secret key."""
    if hasattr(value, "model_dump"):
        return _plain(cast("BaseModel", value).model_dump(mode="json"))
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value)
        return {k: _plain(v) for k, v in found.items() if k not in SECRET_KEYS}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return value


def _differences(place: str, old: Any, new: Any) -> tuple[str, ...]:
    """Each leaf that differs, with its place."""
    if isinstance(old, dict) and isinstance(new, dict):
        a, b = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        return tuple(
            line
            for key in dict.fromkeys((*a, *b))
            for line in _differences(f"{place}.{key}" if place else f".{key}", a.get(key), b.get(key))
        )
    return () if old == new else (f"{place}: {_short(old)} → {_short(new)}",)


def _short(value: Any) -> str:
    text = "nothing" if value in (None, [], {}, "") else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(f"#{n}" for n in numbers)
