"""The promotion story: two versions of one model, each to dev by itself and to qa by a vote.

v1 is the first deployment anywhere and gets its vote through the API; v2 replaces it blue/green and gets its
vote through the queue. Every wait is for something that can be seen from outside, so the story goes on by
itself when the functions host dies in between.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cloud.clients import Api, ApprovalSystem
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cloud.inside import Inside
    from tests.cloud.moments import Write
    from tests.cloud.ready_models import ReadyModels

FIRST, SECOND = "1", "2"
APPROVER, MESSENGER = "ana", "ben"
STEP_SECONDS = 120.0  # a step takes two to four; a dead worker's claim, a cold start, a busy machine


POLL_SECONDS = 0.3  # the app that is asked is the one at work


@dataclass
class Story:
    """One run of the story. `model` must be a name that greenlight.yaml covers and that is used once."""

    inside: Inside
    models: ReadyModels
    model: str
    step_seconds: float = STEP_SECONDS
    digests: dict[str, str] = field(default_factory=dict[str, str])
    took: dict[str, float] = field(default_factory=dict[str, float])

    def play(self) -> None:
        """Raises AssertionError, naming the step that did not come about and what was seen instead."""
        with self._talking():
            self._promote(FIRST, self._vote_through_the_api)
            self._replace()

    def play_first(self) -> None:
        """Only v1, to live in qa."""
        with self._talking():
            self._promote(FIRST, self._vote_through_the_api)

    def play_second(self) -> None:
        """Only v2, to the end of v1's deployments."""
        with self._talking():
            self._replace()

    def hold(self, write: Write, side: str) -> dict[str, Any]:
        """The rule that holds this write of the story, in the last environment."""
        slot = self.inside.app.policy.slot(self.model, "qa")
        assert slot is not None
        return write.rule(side, model=self.model, env="qa", endpoint=slot.endpoint)

    def _replace(self) -> None:
        self._promote(SECOND, self._vote_through_the_queue)
        with self._timed("clean"):
            self._see(self._clean, "only the new deployments left, and both slots idle")
            self.system.request(SECOND)  # whatever else was sent

    @contextmanager
    def _talking(self) -> Iterator[None]:
        config = self.inside.config
        self.api = Api(config, APPROVER)
        self.system = ApprovalSystem(config, self.model)
        try:
            yield
        finally:
            self.system.close()
            self.api.close()

    def _promote(self, version: str, vote: Callable[[str], None]) -> None:
        with self._timed(f"v{version} registered"):
            self.digests[version] = self.models.register(self.model, version)
        with self._timed(f"v{version} live in dev"):
            self._see(lambda: self._serves("dev", version), f"v{version} live in dev")
        with self._timed(f"v{version} asked in qa"):
            self._see(lambda: self._asked(version), f"an approval request for v{version}")
        with self._timed(f"v{version} live in qa"):
            vote(version)
            self._see(lambda: self._serves("qa", version), f"v{version} live in qa")

    # ---- what people and systems do

    def _vote_through_the_api(self, version: str) -> None:
        asked = self._asked(version)
        assert asked is not None
        seen = asked["requests"][-1]["hash"]
        said = self._see(lambda: self.api.vote(asked["id"], "approve", seen), "an accepted vote")
        assert said in ("recorded", "repeated")

    def _vote_through_the_queue(self, version: str) -> None:
        request = self._see(lambda: self.system.request(version), f"a request for v{version} on the queue")
        self.system.answer(request, "approve", MESSENGER)

    # ---- what is looked at

    def _serves(self, env: str, version: str) -> bool:
        slot = self.api.slot(self.model, env)
        return slot is not None and slot["serving"] is not None and slot["serving"]["version"] == version

    def _asked(self, version: str) -> dict[str, Any] | None:
        """The qa promotion of that version, once its request is out on every channel."""
        found = self.api.promotion(self.model, "qa", version)
        latest = found["requests"][-1] if found and found["requests"] else None
        return found if latest and {"queue", "teams"} <= set(latest["notified"]) else None

    def _clean(self) -> bool:
        slots = [self.api.slot(self.model, env) for env in ("dev", "qa")]
        return all(s and not (s["open"] or s["retiring"] or s["claim"] or s["pending_facts"]) for s in slots)

    def _see(self, look: Callable[[], Any], what: str) -> Any:
        return eventually(look, self.step_seconds, f"{self.model}: {what}", POLL_SECONDS)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.took[step] = time.monotonic() - began
