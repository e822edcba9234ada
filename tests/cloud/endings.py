"""The promotion stories that end otherwise: rejected, taken back, superseded. v1 serves before each."""

from __future__ import annotations

from orchestrator.model import Verdict
from tests.cloud.clients import Api
from tests.cloud.story import FIRST, SECOND, Expected, Story

THIRD = "3"
OPERATOR = "olu"
WHY = "the error rate of another team went up"


class _Second(Story):
    """v1 serves in qa; people are asked about v2."""

    def begin(self) -> None:
        self.promote(FIRST, self.vote_through_the_api)

    def _expected(self, verdict: Verdict, registered: tuple[str, ...]) -> Expected:
        return Expected(
            serving={"dev": SECOND, "qa": FIRST},
            dev=((FIRST, Verdict.LIVE), (SECOND, Verdict.LIVE)),
            qa=((FIRST, Verdict.LIVE), (SECOND, verdict)),
            registered=registered,
        )


class Rejection(_Second):
    """Somebody says no to v2."""

    def go_on(self) -> None:
        self.ask(SECOND)
        self.vote_through_the_api(SECOND, "reject")
        self.end(SECOND, Verdict.REJECTED)

    @property
    def expected(self) -> Expected:
        return self._expected(Verdict.REJECTED, (FIRST,))


class Rollback(_Second):
    """v2 is a canary that has traffic when an operator aborts it: v1 gets all of it back.

    `model` must be one that greenlight.yaml gives a canary.
    """

    def go_on(self) -> None:
        self.ask(SECOND)
        self.vote_through_the_queue(SECOND)
        with self._timed("v2 has traffic"):
            self.see(self._abort, "v2 aborted with traffic")
        self.end(SECOND, Verdict.ABORTED)

    def _abort(self) -> bool:
        asked = self.api.promotion(self.model, "qa", SECOND)
        if not asked or not asked["traffic"]["seen"].get(asked["candidate"]):
            return False
        operator = Api(self.inside.config, OPERATOR)
        try:
            return operator.command(f"/api/promotions/{asked['id']}/abort", WHY)
        finally:
            operator.close()

    @property
    def expected(self) -> Expected:
        return self._expected(Verdict.ABORTED, (FIRST, SECOND))


class Supersede(_Second):
    """Nobody answers for v2 before v3 asks; v3 is approved."""

    def go_on(self) -> None:
        self.ask(SECOND)
        self.ask(THIRD)
        self.end(SECOND, Verdict.SUPERSEDED)
        self.vote_through_the_api(THIRD)
        self.end(THIRD, Verdict.LIVE)

    @property
    def expected(self) -> Expected:
        live = Verdict.LIVE
        return Expected(
            serving={"dev": THIRD, "qa": THIRD},
            dev=((FIRST, live), (SECOND, live), (THIRD, live)),
            qa=((FIRST, live), (SECOND, Verdict.SUPERSEDED), (THIRD, live)),
            registered=(FIRST, THIRD),
        )
