"""Where nobody asks an endpoint, a candidate that gets golden requests wrong while it bakes goes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.model import Verdict
from orchestrator.recorded import read_recorded
from shared.errors import Invalid
from shared.ports import Answer
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


def test_recorded_requests_are_asked_of_both_in_turn(tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text('{"recorded": 1}\n\n{"recorded": 2}\n')
    replayed = pipeline().replace("request.json}\n", "request.json}\n    replay: {file: requests.jsonl}\n")
    town = Town(tmp_path, replayed)
    asked: dict[str, set[bytes]] = {"1": set(), "2": set()}

    def model(version: str) -> Callable[[bytes], Answer]:
        def answer(body: bytes) -> Answer:
            asked[version].add(body)
            return predicts([0.8])(body)

        return answer

    for version in asked:
        town.scoring.models["titanic", version] = model(version)
    town.metrics.load = 0.0
    live(town, "1")
    approved(town, "2")
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.LIVE
    recorded = {b'{"recorded": 1}', b'{"recorded": 2}'}
    assert recorded <= asked["1"]
    assert recorded <= asked["2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("", "there is none in it"),
        ('{"a": 1}\nnonsense\n', "line 2: this is no JSON document"),
        ("[1]\n" * 501, "501 lines, at most 500"),
        ("1" * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_a_wrong_file_of_recorded_requests_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "requests.jsonl").write_text(text)

    with pytest.raises(Invalid, match=said):
        read_recorded(tmp_path, "requests.jsonl")


def test_recorded_requests_lie_in_the_apps_folder(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="must lie in the app's folder"):
        read_recorded(tmp_path / "app", "../requests.jsonl")
