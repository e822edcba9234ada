"""The product in bad weather: every seed ends as it must, and a product that strays is found out."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import closing
from orchestrator.actions import Actions
from orchestrator.cli import main
from orchestrator.model import Serving
from shared.settings import Settings
from simulation.cli import remember, remembered, results
from simulation.run import run

REGRESSIONS = Path(__file__).with_name("regressions.txt")
FAST = range(100_000, 100_060)
"""`python -m bench simulate` runs ten thousand."""


def test_every_seed_ends_as_it_must() -> None:
    seeds = [*remembered(REGRESSIONS), *FAST]

    found = list(results(seeds, processes=1))

    assert {r.seed: r.problems for r in found if r.problems} == {}
    assert sum(r.deaths for r in found) > len(FAST), "hardly any process was killed: is the weather bad?"


def test_a_seed_does_the_same_each_time() -> None:
    first, second = run(7, trace=True), run(7, trace=True)

    assert first == second
    assert any("promotion.opened" in line for line in first.trace)


def test_workers_that_respect_no_claim_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "claim_for", timedelta(0))
    monkeypatch.setattr(Actions, "_held", lambda *_: None)

    assert any("S5" in problem for seed in range(3) for problem in run(seed).problems)


def test_forgetting_what_was_approved_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that records another deployment than the one it switched to."""
    monkeypatch.setattr(closing, "Serving", lambda **said: Serving(**{**said, "deployment": "v0-0"}))

    assert any("recorded" in problem for seed in range(3) for problem in run(seed).problems)


def test_the_command_tells_what_a_seed_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--seed", "7", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["seeds"] == 1
    assert said["unsafe"] == []
    assert said["handled"] > 100


def test_an_unsafe_seed_is_traced_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(closing, "Serving", lambda **said: Serving(**{**said, "deployment": "v0-0"}))
    file = tmp_path / "seeds.txt"

    code = main(["simulate", "--seed", "1", "--processes", "1", "--remember", str(file)], {})

    out = capsys.readouterr().out
    assert code == 2
    assert "seed 1: " in out
    assert "promotion.opened" in out
    assert remembered(file) == [1]
    remember(file, [1, 2])
    assert remembered(file) == [1, 2]


@pytest.mark.parametrize("wrong", [["--seeds", "0"], ["--seed", "x"], ["--what"]])
def test_wrong_usage_says_so(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *wrong], {}) == 1
    assert "greenlight simulate: error" in capsys.readouterr().err
