"""`gates`, `probe` and `golden` of greenlight.yaml: what must hold before a candidate gets traffic. Pure.

A metric gate looks at the training run, before people are asked. `golden` and `latency_p95_ms` can only be
measured on the candidate itself: it is asked by name once it is deployed, at 0 %. `probe` says how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, model_validator

from orchestrator.policy_parts import Duration, Strict, written

ENOUGH_FOR_P95 = 20
"""Of fewer answers the slowest alone would decide: the first one, mostly, which wakes the model."""


class ProbePolicy(Strict):
    """How the candidate is asked by name before it may get traffic."""

    request: str = Field(min_length=1)
    """JSON file beside greenlight.yaml: the body that is posted to the scoring address."""
    timeout: Duration = written("10s")
    requests: int = Field(20, ge=1, le=200)
    """So many must be answered well in a row; where `golden` is a gate, each golden one among them."""
    signature: Literal["compatible", "any"] = "compatible"
    """compatible: what clients send to the version that serves must be accepted by the new one."""


class GoldenPolicy(Strict):
    """Requests whose answers are known."""

    file: str = Field(min_length=1)
    """JSON file beside greenlight.yaml; docs/policy.md says what is in it."""


class ReplayPolicy(Strict):
    """Requests that clients sent: asked of both, where nobody asks the endpoint while a step is watched."""

    file: str = Field(min_length=1)
    """JSON lines beside greenlight.yaml, one request body a line."""


class MetricGate(Strict):
    """A metric of the training run against bounds, or against what serves in this slot."""

    metric: str = Field(min_length=1)
    min: float | None = None
    max: float | None = None
    compare: Literal["serving"] | None = None
    margin: float = 0.0

    @model_validator(mode="after")
    def _asks_something(self) -> MetricGate:
        if self.min is None and self.max is None and self.compare is None:
            raise ValueError("a metric gate needs min, max or compare: serving")
        return self


class GoldenGate(Strict):
    """The candidate answers the golden requests as expected."""

    golden: Literal[True]


class LatencyGate(Strict):
    """Of the candidate's answers to the probe, 95 of 100 come within so many milliseconds."""

    latency_p95_ms: float = Field(gt=0, le=60_000)


def _kind(gate: object) -> str:
    """By its one telling key, so that a mistake is reported once and not for every kind."""
    if isinstance(gate, Mapping):
        names = set(cast("Mapping[str, Any]", gate))
    else:
        names = set(type(gate).model_fields) if isinstance(gate, Strict) else set[str]()
    return next((name for name in ("golden", "latency_p95_ms") if name in names), "metric")


Gate = Annotated[
    Annotated[MetricGate, Tag("metric")]
    | Annotated[GoldenGate, Tag("golden")]
    | Annotated[LatencyGate, Tag("latency_p95_ms")],
    Discriminator(_kind),
]


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What the candidate is measured by when it is asked by name; frozen into an approval's plan."""

    requests: int = 20
    golden: bool = False
    p95_ms: float | None = None
    signature: str = "compatible"

    def __str__(self) -> str:
        said = [f"{self.requests} requests in a row are answered without error"]
        said += ["the golden ones as expected"] if self.golden else []
        said += [f"95 % of them within {self.p95_ms:g} ms"] if self.p95_ms is not None else []
        said += ["what clients send now is accepted"] if self.signature == "compatible" else []
        return ", ".join(said)


USUAL = Checks()


def checks_of(probe: ProbePolicy, gates: Sequence[MetricGate | GoldenGate | LatencyGate]) -> Checks:
    """The gates that only the candidate itself can pass."""
    budgets = [g.latency_p95_ms for g in gates if isinstance(g, LatencyGate)]
    return Checks(
        requests=probe.requests,
        golden=any(isinstance(g, GoldenGate) for g in gates),
        p95_ms=min(budgets, default=None),
        signature=probe.signature,
    )


def gates_wrong(env: str, gates: Sequence[object], probe: ProbePolicy, golden: GoldenPolicy | None) -> str:
    """Why these gates cannot be measured; empty: they can."""
    if any(isinstance(g, GoldenGate) for g in gates) and golden is None:
        return f"gates.{env}: golden: true needs golden: {{file: …}} beside gates"
    if any(isinstance(g, LatencyGate) for g in gates) and probe.requests < ENOUGH_FOR_P95:
        return f"gates.{env}: latency_p95_ms needs probe.requests of at least {ENOUGH_FOR_P95}"
    return ""
