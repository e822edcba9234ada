"""`gates`, `probe` and `golden` of greenlight.yaml."""

from __future__ import annotations

import pytest

from orchestrator.gate_policy import Checks
from orchestrator.policy import PolicyError, SlotPolicy, load
from shared.names import legal_name


def _gated(gates: list[object], **model: object) -> SlotPolicy:
    data = {
        "version": 1,
        "environments": [{"name": "dev", "workspace": "/w"}],
        "models": [{"match": "*", "probe": {"request": "r.json"}, "gates": {"dev": gates}, **model}],
    }
    found = load(data, {}, legal_name).slot("titanic", "dev")
    assert found is not None
    return found


GOLDEN_FILE = {"golden": {"file": "g.json"}}


def test_gates_that_only_the_candidate_can_pass_become_its_checks() -> None:
    gates: list[object] = [{"metric": "auc", "min": 0.8}, {"golden": True}, {"latency_p95_ms": 250}]
    found = _gated(gates, **GOLDEN_FILE)

    assert [g.metric for g in found.gates] == ["auc"]
    assert found.checks == Checks(requests=20, golden=True, p95_ms=250, signature="compatible")
    assert _gated([]).checks == Checks()


@pytest.mark.parametrize(
    ("gates", "model", "why"),
    [
        ([{"golden": True}], {}, "gates.dev: golden: true needs golden: {file: …}"),
        ([{"golden": False}], GOLDEN_FILE, "gates.dev.0.golden.golden: Input should be True"),
        ([{"latency_p95_ms": 0}], {}, "gates.dev.0.latency_p95_ms.latency_p95_ms: Input should be greater"),
        (
            [{"latency_p95_ms": 9}],
            {"probe": {"request": "r.json", "requests": 19}},
            "gates.dev: latency_p95_ms needs probe.requests of at least 20",
        ),
        ([{"metrik": "auc", "min": 1}], {}, "gates.dev.0.metric.metrik: Extra inputs"),
        ([{"golden": True, "metric": "auc"}], GOLDEN_FILE, "gates.dev.0.golden.metric: Extra inputs"),
        ([], {"probe": {"request": "r.json", "requests": 0}}, "probe.requests: Input should be greater"),
        ([], {"probe": {"request": "r.json", "signature": "maybe"}}, "probe.signature: Input should be"),
        ([], {"golden": {"file": ""}}, "golden.file: String should have at least 1"),
    ],
)
def test_a_gate_that_cannot_be_measured_is_named(
    gates: list[object], model: dict[str, object], why: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        _gated(gates, **model)
    assert why in str(caught.value)
