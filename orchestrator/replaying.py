"""Where nobody asks an endpoint, we do: the same requests to both by name, golden and recorded ones too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.asking_by_name import Question, questions_of
from orchestrator.bound import checks_of
from orchestrator.golden import judge_answer
from orchestrator.health import HealthSeen, Sample
from orchestrator.model import SlotState
from orchestrator.outside import Outside
from orchestrator.recorded import recorded_of
from orchestrator.world import Action, Outcome, Replayed, Trouble
from shared.clock import Clock
from shared.errors import Retryable
from shared.ports import Answer

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy

MOST = 50
"""Rounds in one action."""


def replay(
    outside: Outside,
    held: Callable[[SlotState], None],
    clock: Clock,
    deadline: timedelta,
    state: SlotState,
    policy: SlotPolicy,
    action: Action,
) -> Outcome:
    """Verb REPLAY: ask both by name until the time of one call is used."""
    workspace = outside.workspace(policy.env.workspace)
    endpoint = workspace.endpoint(policy.endpoint)
    if endpoint is None:
        return Trouble(retry=True, why=f"endpoint {policy.endpoint} is not there")
    serving, began = state.slot.serving, clock.now()
    names = [action.deployment, *([serving.deployment] if serving else [])]
    questions = (
        *questions_of(outside, policy, checks_of(state, action.n, policy)),
        *(Question(body) for body in recorded_of(outside.root, policy)),
    )
    key = workspace.scoring_key(policy.endpoint)
    took: dict[str, list[float]] = {name: [] for name in names}
    errors: dict[str, dict[str, int]] = {name: {} for name in names}
    held(state)
    for turn in range(MOST):
        if clock.now() - began > deadline * 0.5:
            break
        question = questions[turn % len(questions)]
        for name in names:
            try:
                answer = outside.scoring.score(
                    endpoint.scoring_uri, key, question.body, deployment=name,
                    timeout=policy.probe.timeout.total_seconds(), request_id=f"replay-{action.n}-{turn}",
                )  # fmt: skip
            except Retryable:
                continue  # no answer is no data: too few of them hold the step, and never pass it
            took[name].append(answer.seconds)
            kind = _kind(question, answer)
            if kind:
                errors[name][kind] = errors[name].get(kind, 0) + 1
    samples = [_sample(took[name], errors[name]) for name in names]
    return Replayed(
        HealthSeen(
            candidate=samples[0],
            stable=samples[1] if serving else None,
            since=began,
            until=clock.now(),
            known=True,
        )
    )


def _kind(question: Question, answer: Answer) -> str:
    """The class of an error; empty: it is none. A golden request that is answered wrongly is the model's."""
    if answer.status >= 400:
        return "424" if answer.status == 424 else f"{answer.status // 100}xx"
    return "424" if question.golden is not None and judge_answer(question.golden, answer.body) else ""


def _sample(took: list[float], errors: dict[str, int]) -> Sample:
    ordered = sorted(took)
    slow = ordered[max(0, -(-len(ordered) * 95 // 100) - 1)] * 1000 if ordered else None
    return Sample(requests=len(took), errors=errors, p95_ms=slow)
