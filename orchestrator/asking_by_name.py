"""The probe: a candidate at 0 % is asked by name, until enough answers in a row are good or one is not.

Every call is bounded: what does not fit into one action goes on in the next, from the answers so far. Silence
says nothing at first, and no later. An answer that is not good begins the row anew; a request that did not
come through does not, as long as others do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.bound import checks_of
from orchestrator.golden import GoldenCase, golden_of, judge_answer
from orchestrator.loading import mismatch
from orchestrator.model import Probe, Reason, SlotState
from orchestrator.outside import Outside
from orchestrator.probing import judge, p95, too_slow
from orchestrator.world import Action, Outcome, Probed, Trouble
from shared.clock import Clock
from shared.errors import Retryable
from shared.ports import Answer

if TYPE_CHECKING:
    from orchestrator.gate_policy import Checks
    from orchestrator.policy import SlotPolicy

PATIENCE = 8
"""Troubled probes after which "not reachable yet" counts as an answer: some twenty minutes."""
SHARE = 0.5
"""Of the call's time, how much may be over when one more request is sent."""


@dataclass(frozen=True)
class Question:
    """A request and, for a golden one, what is expected."""

    body: bytes
    golden: GoldenCase | None = None


@dataclass(frozen=True)
class Row:
    """One action's part of the row, and where and how it asks."""

    outside: Outside
    clock: Clock
    deadline: timedelta
    began: datetime
    n: int
    name: str
    uri: str
    key: str
    timeout: timedelta
    patient: bool
    questions: tuple[Question, ...]
    times: list[int]

    def ask(self, question: Question) -> Outcome | None:
        """One more request; None: it was answered well."""
        try:
            answer = self.outside.scoring.score(
                self.uri,
                self.key,
                question.body,
                deployment=self.name,
                timeout=min(self.timeout, self.deadline - self.used).total_seconds(),
                request_id=f"probe-{self.n}-{len(self.times) + 1}",
            )
        except Retryable as error:
            if self.patient:
                raise
            return self.failed(Reason.PROBE, f"does not answer: {error}")
        judged = judge(answer.status, answer.body, answer.headers)
        if judged.retry and self.patient:
            return Trouble(retry=True, why=f"{self.name} {self._after}{judged.sentence}")
        if not judged.ok:
            return self.failed(Reason.PROBE, f"{self._after}{judged.sentence}", answer)
        wrong = judge_answer(question.golden, answer.body) if question.golden else ""
        if wrong and question.golden:
            said = f"answers {question.golden.name!r} otherwise than expected: {wrong}"
            return self.failed(Reason.GOLDEN, said, answer)
        self.times.append(max(1, round(answer.seconds * 1000)))
        return None

    @property
    def used(self) -> timedelta:
        return self.clock.now() - self.began

    @property
    def _after(self) -> str:
        """A deployment that was there has died, or starts anew; one that was not may be on its way."""
        return f"answered {len(self.times)} requests, then " if self.times else ""

    def passed(self) -> Probed:
        middle, golden = p95(self.times), sum(q.golden is not None for q in self.questions)
        said = f", the {golden} golden ones as expected" if golden else ""
        sentence = (
            f"answered {len(self.times)} of {len(self.times)} requests by name{said}, 95 % within {middle} ms"
        )
        return Probed(self._probe(sentence, 200))

    def failed(self, reason: Reason, sentence: str, answer: Answer | None = None) -> Probed:
        probe = self._probe(sentence, answer.status if answer else 0)
        seconds = max(probe.seconds, answer.seconds if answer else 0.0)
        asked = len(self.times) + (answer is not None)
        return Probed(replace(probe, ok=False, reason=reason, seconds=seconds, asked=asked))

    def _probe(self, sentence: str, status: int) -> Probe:
        times = self.times
        return Probe(
            ok=True,
            sentence=f"{self.name} {sentence}",
            status=status,
            seconds=max(times, default=0) / 1000,
            at=self.clock.now(),
            asked=len(times),
            p95_ms=p95(times) if times else None,
        )


def ask_by_name(
    outside: Outside, clock: Clock, deadline: timedelta, state: SlotState, policy: SlotPolicy, action: Action
) -> Outcome:
    """As many requests as fit into this call."""
    p, checks = state.promotions[action.n], checks_of(state, action.n, policy)
    workspace = outside.workspace(policy.env.workspace)
    endpoint = workspace.endpoint(policy.endpoint)
    if endpoint is None:
        return Trouble(retry=True, why=f"endpoint {policy.endpoint} is not there")
    row = Row(
        outside=outside,
        clock=clock,
        deadline=deadline,
        began=clock.now(),
        n=p.n,
        name=action.deployment,
        uri=endpoint.scoring_uri,
        key=workspace.scoring_key(policy.endpoint),
        timeout=policy.probe.timeout,
        patient=p.silences < PATIENCE,
        questions=questions_of(outside, policy, checks),
        times=list[int]() if p.silences else list(p.probing),
    )
    if not row.times and checks.signature == "compatible":  # what serves may be another one by now
        refused = mismatch(outside, state, policy, p)
        if refused:
            return row.failed(Reason.SIGNATURE, f"refuses clients of what serves: {refused}")
    return _in_a_row(row, checks)


def _in_a_row(row: Row, checks: Checks) -> Outcome:
    before = len(row.times)
    while len(row.times) < max(checks.requests, len(row.questions)):
        if row.used > row.deadline * SHARE:
            return Probed(None, tuple(row.times))
        try:
            ended = row.ask(row.questions[len(row.times) % len(row.questions)])
        except Retryable:
            if len(row.times) == before:
                raise
            return Probed(None, tuple(row.times))  # no request came through, after some did: it goes on there
        if ended is not None:
            return ended
    slow = too_slow(row.times, checks.p95_ms)
    return row.failed(Reason.LATENCY, slow) if slow else row.passed()


def questions_of(outside: Outside, policy: SlotPolicy, checks: Checks) -> tuple[Question, ...]:
    """The sample request, and where they are a gate the golden ones."""
    sample = Question((outside.root / policy.probe.request).read_bytes())
    golden = golden_of(outside.root, policy) if checks.golden else ()
    return (sample, *(Question(case.body, case) for case in golden))
