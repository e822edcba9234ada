"""kill -9 for the functions host at one write that it makes: before it is executed, or after and unanswered.

The service that gets the write holds it (a fault rule) until the host is dead, so the moment does not depend
on how fast anything is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local import faults
from tests.cloud.endings import Rejection, Rollback, Supersede
from tests.cloud.killing import HOST, LOOK_SECONDS
from tests.cloud.story import Story

if TYPE_CHECKING:
    from local.cloud import Cloud

ENDPOINT = "*/onlineEndpoints/{endpoint}"


@dataclass(frozen=True)
class Write:
    """One write of the promotion story in its last environment. `nth`: of all that match, from 0."""

    name: str
    match: dict[str, str]
    nth: int = 0
    on: str = "arm"

    def rule(self, side: str, **names: str) -> dict[str, Any]:
        match = {key: pattern.format(**names) for key, pattern in self.match.items()}
        where = {"workspace": names["env"]} if self.on == "arm" else {}
        return {"on": self.on, **where, **match, "skip": self.nth, "times": 1, "held": side}


def _put(name: str, path: str, nth: int = 0) -> Write:
    return Write(name, {"method": "PUT", "path": path}, nth)


def _card(version: str) -> Write:
    return Write(f"post of v{version}'s card", {"text": f"{{model}} {version} waits*"}, on="teams")


FIRST_DEPLOYMENT = (
    _card("1"),
    _put("register v1", "*/models/{model}/versions/1"),
    _put("create endpoint", ENDPOINT),
    _put("create deployment of v1", ENDPOINT + "/deployments/*"),
    _put("traffic to v1", ENDPOINT, 1),
)
BLUE_GREEN = (
    _card("2"),
    _put("register v2", "*/models/{model}/versions/2"),
    _put("create deployment of v2", ENDPOINT + "/deployments/*", 1),
    _put("traffic to v2", ENDPOINT, 2),
    Write("delete deployment of v1", {"method": "DELETE", "path": ENDPOINT + "/deployments/*"}),
)


def _notice(version: str, title: str) -> Write:
    return Write(f"post of v{version}'s {title}", {"text": f"{{model}} {version}: {title}*"}, on="teams")


REJECTION = (_card("2"), _notice("2", "Rejected"))
ROLLBACK = (
    _put("create deployment of v2", ENDPOINT + "/deployments/*"),
    _put("copies of 20 % to v2", ENDPOINT),
    _put("traffic, 10 % to v2", ENDPOINT, 1),
    _put("traffic back to v1", ENDPOINT, 2),
    Write("delete deployment of v2", {"method": "DELETE", "path": ENDPOINT + "/deployments/*"}),
    _notice("2", "Aborted"),
)
SUPERSEDE = (
    _card("2"),
    _card("3"),
    _notice("2", "Superseded"),
    _put("register v3", "*/models/{model}/versions/3"),
    _put("create deployment of v3", ENDPOINT + "/deployments/*"),
    _put("traffic to v3", ENDPOINT),
    Write("delete deployment of v1", {"method": "DELETE", "path": ENDPOINT + "/deployments/*"}),
)


@dataclass(frozen=True)
class Told:
    """A story, the writes of it at which the host is killed, and how its models are called."""

    name: str
    story: type[Story]
    writes: tuple[Write, ...]
    models: str = "titanic-w"


STORIES = (
    Told("first deployment", Story, FIRST_DEPLOYMENT),
    Told("blue/green", Story, BLUE_GREEN),
    Told("rejection", Rejection, REJECTION),
    Told("rollback", Rollback, ROLLBACK, "titanic-canary-w"),
    Told("supersede", Supersede, SUPERSEDE),
)


class KillAt:
    """Around a story; `done` once the write came and the host was killed with it in flight."""

    def __init__(self, cloud: Cloud, rule: dict[str, Any]) -> None:
        self.done = False
        self._cloud = cloud
        self._rule = rule
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> KillAt:
        self._id = faults.add(self._cloud.config, self._rule)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        faults.remove(self._cloud.config, self._id)

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            if faults.holds(self._cloud.config, self._id):
                self._cloud.kill(HOST)
                self.done = True
                faults.remove(self._cloud.config, self._id)
                return
