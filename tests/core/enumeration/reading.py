"""Which worlds are alike in all that was read of them: one stands for all, the rest would be read alike.

What is decided, and whether an invariant holds, can rest on nothing that nobody has read. So an endpoint is
shown as a `Read` one, which notes each part when it is read: its state, its weights, a tag, the state of one
deployment. That says more than which facts were asked for, of which an endpoint is only one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from orchestrator.seen import DeploymentSeen, EndpointSeen

T = TypeVar("T")
Part = tuple[object, ...]
Note = Callable[[Part], None]


class Alike(Generic[T]):
    """What was found of worlds, by what was read of each, in the order in which it was read.

    Two worlds are read alike up to the first part in which they differ, so those orders are a tree.
    """

    def __init__(self) -> None:
        self._root: T | _Fork | None = None

    def find(self, value: Callable[[Part], object]) -> T | None:
        """What was found of a world that is alike; None: there was none so far."""
        at = self._root
        while isinstance(at, _Fork):
            at = at.to.get(value(at.part))
        return at

    def keep(self, reading: Reading, found: T) -> None:
        trail = list(reading.trail.items())
        if not trail:
            self._root = found
            return
        if self._root is None:
            self._root = _Fork(trail[0][0])
        at = cast("_Fork", self._root)
        for (_, was), (part, _) in pairwise(trail):
            at = at.to.setdefault(was, _Fork(part))
        at.to[trail[-1][1]] = found


class _Fork:
    def __init__(self, part: Part) -> None:
        self.part = part
        self.to: dict[object, Any] = {}


class Reading:
    """What was read of one world, in order."""

    def __init__(self, value: Callable[[Part], object]) -> None:
        self.trail: dict[Part, object] = {}
        self._value = value

    def note(self, part: Part) -> None:
        if part not in self.trail:
            self.trail[part] = self._value(part)


def part_of(endpoint: EndpointSeen, part: Part) -> object:
    """What is found there, as a value that can be compared."""
    kind, *more = part
    if kind == "tags":
        return endpoint.tags.get(cast("str", more[0])) if more else tuple(endpoint.tags.items())
    if kind == "deployments":
        there = endpoint.deployments
        if len(more) < 2:
            return more[0] in there if more else tuple(there)
        return getattr(there[cast("str", more[0])], cast("str", more[1]))
    found = getattr(endpoint, cast("str", kind))
    return tuple(found.items()) if isinstance(found, Mapping) else found


def readable(endpoint: EndpointSeen, note: Note) -> EndpointSeen:
    """The endpoint as `Read` one."""
    return _made(Read, endpoint, note)


def _made(kind: type[Any], of: object, note: Note) -> Any:
    made = object.__new__(kind)
    object.__setattr__(made, "_of", of)
    object.__setattr__(made, "_note", note)
    return made


class Read(EndpointSeen):
    """An endpoint to whoever reads it; nothing of it is reached without a note."""

    def __new__(cls, **fields: Any) -> EndpointSeen:  # type: ignore[misc]
        return EndpointSeen(**fields)  # by `replace`, which has read what it copies

    def __getattribute__(self, name: str) -> Any:
        if name not in _OF_ENDPOINTS:
            return object.__getattribute__(self, name)
        endpoint, note = object.__getattribute__(self, "_of"), object.__getattribute__(self, "_note")
        if name == "tags":
            return _Tags(endpoint.tags, note)
        if name == "deployments":
            return _Deployments(endpoint.deployments, note)
        note((name,))
        return getattr(endpoint, name)


class _ReadDeployment(DeploymentSeen):
    def __getattribute__(self, name: str) -> Any:
        if name not in _OF_DEPLOYMENTS:
            return object.__getattribute__(self, name)
        deployment: DeploymentSeen = object.__getattribute__(self, "_of")
        object.__getattribute__(self, "_note")(("deployments", deployment.name, name))
        return getattr(deployment, name)


_OF_ENDPOINTS, _OF_DEPLOYMENTS = (
    frozenset(kind.__dataclass_fields__) for kind in (EndpointSeen, DeploymentSeen)
)


class _Tags(Mapping[str, str]):
    def __init__(self, tags: Mapping[str, str], note: Note) -> None:
        self._tags, self._note = tags, note

    def __getitem__(self, name: str) -> str:
        self._note(("tags", name))
        return self._tags[name]

    def __iter__(self) -> Iterator[str]:
        self._note(("tags",))
        return iter(self._tags)

    def __len__(self) -> int:
        self._note(("tags",))
        return len(self._tags)


class _Deployments(Mapping[str, DeploymentSeen]):
    def __init__(self, deployments: Mapping[str, DeploymentSeen], note: Note) -> None:
        self._deployments, self._note = deployments, note

    def __getitem__(self, name: str) -> DeploymentSeen:
        self._note(("deployments", name))
        return _made(_ReadDeployment, self._deployments[name], self._note)

    def __iter__(self) -> Iterator[str]:
        self._note(("deployments",))
        return iter(self._deployments)

    def __len__(self) -> int:
        self._note(("deployments",))
        return len(self._deployments)
