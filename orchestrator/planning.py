"""`plan`: read another greenlight.yaml and say what it would change. Nothing is written.

The text comes from a person, so it may use only those variables that the deployed file uses, and never sees
what a secret one holds: what stands under a secret key there is replaced here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from orchestrator.ledger import Ledger
from orchestrator.model import SlotState
from orchestrator.policy_changes import Changes, compare
from shared.errors import Final, Invalid
from shared.untrusted import visible

if TYPE_CHECKING:
    from orchestrator.policy import Policy

MOST_SLOTS = 500
MOST_PARTS = 20_000
"""Of a document, aliases counted each time: a small text can mean an enormous one."""


@dataclass(frozen=True)
class Planned:
    """`errors`: every problem of the text with its place; then nothing is compared. `cut`: there are more."""

    errors: tuple[str, ...] = ()
    changes: Changes = field(default_factory=lambda: Changes((), ()))
    looked_at: int = 0
    unreadable: tuple[str, ...] = ()
    cut: bool = False


class Planning:
    """Compares with the policy that this process runs."""

    def __init__(
        self, *, policy: Policy, ledger: Ledger, read: Callable[[object, Mapping[str, str]], Policy]
    ) -> None:
        self._policy = policy
        self._ledger = ledger
        self._read = read

    def plan(self, text: str) -> Planned:
        """What this text, as greenlight.yaml, would do. Raises what the store raises."""
        try:
            new = self._read(parsed(text), self._policy.variables)
        except Invalid as error:
            lines = [visible(line.strip(), 400) for line in str(error).splitlines() if line.strip()]
            return Planned(errors=tuple(lines))
        keys, following = self._ledger.slot_keys(limit=MOST_SLOTS)
        states: list[SlotState] = []
        unreadable: list[str] = []
        for key in keys:
            try:
                loaded = self._ledger.load(key)
            except Final as error:
                unreadable.append(f"{key}: {error}")
                continue
            if loaded is not None:
                states.append(loaded.state)
        changes = compare(self._policy, new, states)
        return Planned((), changes, len(states), tuple(unreadable), bool(following))


def parsed(text: str) -> object:
    """YAML as data. Raises Invalid."""
    import yaml

    try:
        data: object = yaml.safe_load(text)
        parts = _parts(data, {})
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"greenlight.yaml is not YAML: {str(error)[:300]}") from error
    if parts > MOST_PARTS:
        raise Invalid(f"greenlight.yaml means more than {MOST_PARTS} parts: are its aliases nested?")
    return data


def _parts(value: object, seen: dict[int, int]) -> int:
    """How large it is, written out. An alias inside itself is endless."""
    if not isinstance(value, dict | list):
        return 1
    whole = cast("dict[object, object] | list[object]", value)
    if id(whole) not in seen:
        seen[id(whole)] = MOST_PARTS + 1  # until it is known: whatever contains itself is too large
        inside = whole.values() if isinstance(whole, dict) else whole
        seen[id(whole)] = 1 + sum(_parts(item, seen) for item in inside)
    return seen[id(whole)]
