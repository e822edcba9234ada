"""Where nobody asks an endpoint, a candidate that gets golden requests wrong while it bakes goes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.model import Verdict
from simulation.twins.scoring import predicts
from tests.engine.test_canary import approved, live, pipeline, watched
from tests.engine.town import Town

GOLDEN = {
    "version": 1,
    "cases": [{"name": "a woman", "request": {"x": 1}, "expect": [0.8], "tolerance": 0.1}],
}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    (tmp_path / "golden.json").write_text(json.dumps(GOLDEN))
    text = pipeline().replace("request.json}\n", "request.json}\n    golden: {file: golden.json}\n")
    made = Town(tmp_path, text.replace("qa: [", "qa: [{golden: true}, "))
    for version in ("1", "2"):
        made.scoring.models["titanic", version] = predicts([0.8])
    made.metrics.load = 0.0
    live(made, "1")
    return made


@pytest.mark.parametrize(("later", "verdict"), [([0.3], Verdict.ROLLED_BACK), ([0.75], Verdict.LIVE)])
def test_what_a_candidate_answers_while_it_bakes_is_judged(
    town: Town, later: list[object], verdict: Verdict
) -> None:
    approved(town, "2")
    watched(town, 1)
    town.scoring.models["titanic", "2"] = predicts(later)
    town.settle(most=7200)

    assert town.promotion(2).verdict is verdict
