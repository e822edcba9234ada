"""One seam around every call that leaves the process: what stands between the product and its ports.

A seam is asked before each call and may let it happen, refuse it, lose its answer, hold it up, or end the
process on either side of it. The product cannot tell that it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from orchestrator.app import Ports
    from shared.notify.eventgrid import Publish
    from shared.ports import WorkspaceId, WorkspacePort
    from shared.registry_id import RegistryId

T = TypeVar("T")

WRITES = frozenset(
    {
        *("commit", "send", "post", "publish"),
        *("register", "create_endpoint", "write_traffic", "create_deployment"),
        *("delete_deployment", "delete_endpoint"),
        *("copy_from", "put", "put_json"),
    }
)
"""Operations that change something outside."""
OPENS = frozenset({"table", "container"})
"""Operations that only hand out another port."""
WITHIN = frozenset({"readable_url"})
"""What a client works out by itself, without a request."""


@dataclass(frozen=True)
class Call:
    """One request to the outside."""

    port: str
    """Table name, `queue`, `dev`/`qa` for a workspace, or what else it is: `blobs`, `cards`, …."""
    operation: str
    about: str = ""
    late: Callable[[], object] | None = field(default=None, compare=False)
    """The request as it takes effect when it was sent long ago: what was read before it is not read again."""

    @property
    def writes(self) -> bool:
        return self.operation in WRITES

    def __str__(self) -> str:
        return f"{self.port}.{self.operation} {self.about}".strip()


class Seam(Protocol):
    """Does `effect`, or something worse."""

    def __call__(self, call: Call, effect: Callable[[], T]) -> T: ...


class _Behind:
    """Any port, with the seam around its calls. Attributes that are no calls are read through."""

    def __init__(self, port: str, inner: object, seam: Seam) -> None:
        self._port = port
        self._inner = inner
        self._seam = seam

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if not callable(inner):
            return inner
        if name in OPENS:
            return lambda *names: _Behind(
                names[0] if name == "table" else self._port, inner(*names), self._seam
            )
        if name in WITHIN:
            return inner

        def call(*args: Any, **named: Any) -> Any:
            sent = {k: v for k, v in named.items() if k != "expect"}
            late = lambda: inner(*args, **sent)  # noqa: E731 -- as `effect` below
            return self._seam(Call(self._port, name, _about(args), late), lambda: inner(*args, **named))

        return call


def behind(ports: Ports, seam: Seam) -> Ports:
    """The same ports, with `seam` around every call. The clock is no call."""

    @cache
    def workspaces(at: WorkspaceId, registry: RegistryId | None) -> WorkspacePort:
        inner = ports.workspaces(at, registry)
        return cast("WorkspacePort", _Behind(at.name.rpartition("-")[2], inner, seam))

    def over(port: str, inner: object) -> Any:
        return _Behind(port, inner, seam)

    def post(url: str, card: Any, timeout: float = 10.0) -> None:
        seam(Call("cards", "post"), lambda: ports.post(url, card, timeout))

    return replace(
        ports,
        store=over("tables", ports.store),
        queues=over("queue", ports.queues),
        workspaces=workspaces,
        storage=over("blobs", ports.storage),
        evidence=over("blobs", ports.evidence),
        anchors=over("blobs", ports.anchors),
        undelivered=over("blobs", ports.undelivered),
        scoring=over("scoring", ports.scoring),
        runs=over("runs", ports.runs),
        metrics=over("metrics", ports.metrics) if ports.metrics else None,
        post=post,
        publish=_published(ports.publish, seam) if ports.publish else None,
    )


def _published(publish: Publish, seam: Seam) -> Publish:
    def through(topic: str, *events: Any) -> None:
        seam(Call("events", "publish"), lambda: publish(topic, *events))

    return through


def _about(args: tuple[object, ...]) -> str:
    """The names in a call: enough to tell it from its neighbours in a trace."""
    return " ".join(a for a in args if isinstance(a, str) and len(a) < 80)
