"""The promotion story: two versions of one model, each to dev by itself and to qa by a vote.

v1 is the first deployment anywhere and gets its vote through the API; v2 replaces it blue/green and gets its
vote through the queue. Every wait is for something that can be seen from outside, so the story goes on by
itself when the functions host dies in between. Stories with other ends are in endings.py.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.model import SlotKey, Verdict
from tests.cloud.clients import Api, ApprovalSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.ledger import Loaded
    from tests.cloud.inside import Inside
    from tests.cloud.moments import Write
    from tests.cloud.ready_models import ReadyModels

FIRST, SECOND = "1", "2"
APPROVER, MESSENGER = "ana", "ben"
STEP_SECONDS = 120.0  # without a commit; between two are seconds, a dead worker's claim, or a cold start
MOST_STEPS = 5  # of them in one step that goes on and on, and gets nowhere

POLL_SECONDS = 0.3  # the app that is asked is the one at work


Ends = tuple[tuple[str, Verdict], ...]
"""Version and verdict of each promotion of a slot, in order."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The world when the story is over."""

    serving: Mapping[str, str]
    dev: Ends
    qa: Ends
    registered: tuple[str, ...]
    """Versions in qa's workspace."""


@dataclass
class Story:
    """One run of the story. `model` must be a name that greenlight.yaml covers and that is used once."""

    inside: Inside
    models: ReadyModels
    model: str
    step_seconds: float = STEP_SECONDS
    digests: dict[str, str] = field(default_factory=dict[str, str])
    took: dict[str, float] = field(default_factory=dict[str, float])

    def play(self, around: AbstractContextManager[object] | None = None) -> None:
        """Raises AssertionError, naming the step that did not come about and what was seen instead.

        `around`: what is done while the part of the story goes on that is about its end.
        """
        with self.talking():
            self.begin()
            with around or nullcontext():
                self.go_on()
                with self._timed("at rest"):
                    self.see(self._at_rest, "both slots at rest, everybody told")
                    self.system.read()  # whatever else was sent

    def play_first(self) -> None:
        """Only v1, to live in qa."""
        with self.talking():
            self.promote(FIRST, self.vote_through_the_api)

    # ---- what other stories tell otherwise

    def begin(self) -> None:
        """What is there before."""

    def go_on(self) -> None:
        self.promote(FIRST, self.vote_through_the_api)
        self.promote(SECOND, self.vote_through_the_queue)

    @property
    def expected(self) -> Expected:
        live = ((FIRST, Verdict.LIVE), (SECOND, Verdict.LIVE))
        return Expected(serving={"dev": SECOND, "qa": SECOND}, dev=live, qa=live, registered=(FIRST, SECOND))

    # ---- its parts

    def hold(self, write: Write, side: str) -> dict[str, Any]:
        """The rule that holds this write of the story, in the last environment."""
        slot = self.inside.app.policy.slot(self.model, "qa")
        assert slot is not None
        return write.rule(side, model=self.model, env="qa", endpoint=slot.endpoint)

    @contextmanager
    def talking(self) -> Iterator[None]:
        config = self.inside.config
        self.api = Api(config, APPROVER)
        self.system = ApprovalSystem(config, self.model)
        try:
            yield
        finally:
            self.system.close()
            self.api.close()

    def promote(self, version: str, vote: Callable[[str], None]) -> None:
        self.ask(version)
        with self._timed(f"v{version} live in qa"):
            vote(version)
            self.see(lambda: self.serves("qa", version), f"v{version} live in qa")

    def ask(self, version: str) -> None:
        """Registered, live in dev, and people are asked about it in qa."""
        with self._timed(f"v{version} registered"):
            self.digests[version] = self.models.register(self.model, version)
        with self._timed(f"v{version} live in dev"):
            self.see(lambda: self.serves("dev", version), f"v{version} live in dev")
        with self._timed(f"v{version} asked in qa"):
            self.see(lambda: self.asked(version), f"an approval request for v{version}")

    def end(self, version: str, verdict: Verdict) -> None:
        with self._timed(f"v{version} {verdict}"):
            self.see(lambda: self._ended(version) == verdict, f"v{version} {verdict} in qa")

    # ---- what people and systems do

    def vote_through_the_api(self, version: str, decision: str = "approve") -> None:
        asked = self.see(lambda: self.asked(version), f"the approval request for v{version}")
        seen = asked["requests"][-1]["hash"]
        said = self.see(lambda: self.api.vote(asked["id"], decision, seen), "an accepted vote")
        assert said in ("recorded", "repeated")

    def vote_through_the_queue(self, version: str) -> None:
        request = self.see(lambda: self.system.request(version), f"a request for v{version} on the queue")
        self.system.answer(request, "approve", MESSENGER)

    # ---- what is looked at

    def serves(self, env: str, version: str) -> bool:
        slot = self.api.slot(self.model, env)
        return slot is not None and slot["serving"] is not None and slot["serving"]["version"] == version

    def asked(self, version: str) -> dict[str, Any] | None:
        """The qa promotion of that version, once its request is out on every channel."""
        found = self.api.promotion(self.model, "qa", version)
        latest = found["requests"][-1] if found and found["requests"] else None
        return found if latest and {"queue", "teams"} <= set(latest["notified"]) else None

    def _ended(self, version: str) -> str | None:
        found = self.api.promotion(self.model, "qa", version)
        return found["verdict"] if found else None

    def _at_rest(self) -> bool:
        return all(row is not None and row.state.slot.idle for row in self._slots())

    def see(self, look: Callable[[], Any], what: str) -> Any:
        """The first true answer. Its time is over once neither slot goes on: a slow machine is no failure."""
        progress, since = self._progress(), time.monotonic()
        began = since
        while not (answer := look()):
            now, at = time.monotonic(), self._progress()
            if at != progress:
                progress, since = at, now
            if now - since > self.step_seconds or now - began > MOST_STEPS * self.step_seconds:
                left = f"for {now - since:.0f} s neither slot went on, {now - began:.0f} s in all"
                raise AssertionError(f"{self.model}: {what} did not come about: {left}; last: {answer!r}")
            time.sleep(POLL_SECONDS)
        return answer

    def _progress(self) -> tuple[int, ...]:
        """How much was committed in each slot."""
        return tuple(row.state.slot.seq if row else 0 for row in self._slots())

    def _slots(self) -> list[Loaded | None]:
        return [self.inside.app.ledger.slot_row(SlotKey(self.model, env)) for env in ("dev", "qa")]

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.took[step] = time.monotonic() - began
