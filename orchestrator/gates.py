"""Evidence -> verdicts. Pure. A missing metric is never a pass; a value that is no number is inconclusive."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orchestrator.model import GateResult

if TYPE_CHECKING:
    from orchestrator.policy import MetricGate

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"


def evaluate(
    gates: Sequence[MetricGate], metrics: Mapping[str, float], serving: Mapping[str, float] | None
) -> tuple[GateResult, ...]:
    """One result per gate, in order. `serving`: metrics of what serves in the slot; None: nothing does."""
    return tuple(_metric(gate, metrics, serving) for gate in gates)


def _metric(
    gate: MetricGate, metrics: Mapping[str, float], serving: Mapping[str, float] | None
) -> GateResult:
    name, value = gate.metric, metrics.get(gate.metric)
    if value is None or math.isnan(value):
        what = "was not logged by the training run" if value is None else "is not a number"
        return GateResult(gate=name, verdict=FAIL, sentence=f"{name} {what}")
    if gate.min is not None and value < gate.min:
        sentence = f"{name} is {value:.4f}, at least {gate.min:.4f} is required"
        return GateResult(gate=name, verdict=FAIL, sentence=sentence, measured=value, wanted=gate.min)
    if gate.max is not None and value > gate.max:
        sentence = f"{name} is {value:.4f}, at most {gate.max:.4f} is allowed"
        return GateResult(gate=name, verdict=FAIL, sentence=sentence, measured=value, wanted=gate.max)
    if gate.compare == "serving":
        return _against_serving(gate, value, serving)
    bound = gate.min if gate.min is not None else gate.max
    return GateResult(
        gate=name, verdict=PASS, sentence=f"{name} is {value:.4f}", measured=value, wanted=bound
    )


def _against_serving(gate: MetricGate, value: float, serving: Mapping[str, float] | None) -> GateResult:
    name = gate.metric
    if serving is None:
        return GateResult(
            gate=name, verdict=PASS, sentence=f"{name} is {value:.4f}; nothing serves yet", measured=value
        )
    incumbent = serving.get(name)
    if incumbent is None or math.isnan(incumbent):
        sentence = f"{name} is {value:.4f}, but it is not known for what serves now"
        return GateResult(gate=name, verdict=INCONCLUSIVE, sentence=sentence, measured=value)
    wanted = incumbent + gate.margin
    ok = value >= wanted
    sentence = f"{name} is {value:.4f}, {'at least' if ok else 'below'} {wanted:.4f} of what serves now"
    return GateResult(
        gate=name, verdict=PASS if ok else FAIL, sentence=sentence, measured=value, wanted=wanted
    )
