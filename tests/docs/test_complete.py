"""Nothing that users rely on is without a word in the documentation, and no command in it is made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.cli import main as greenlight
from orchestrator.doctor.finding import Code
from orchestrator.goals import GOALS
from orchestrator.model import Phase, Reason, Verdict
from orchestrator.web.app import ROUTES

ROOT = Path(__file__).parents[2]
PAGES = {
    p.name: p.read_text()
    for p in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
}
ALL = "\n".join(PAGES.values())
OPERATORS, CONCEPTS = PAGES["operators.md"], PAGES["concepts.md"]


def verbs(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Every command that `greenlight --help` lists."""
    greenlight(["--help"], {})
    return set(re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_to_do(reason: Reason) -> None:
    assert f"`{reason.value}`" in OPERATORS


@pytest.mark.parametrize("code", list(Code))
def test_every_finding_of_doctor_says_what_to_do(code: Code) -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| .+ \| .+ \|$", PAGES["doctor.md"], re.MULTILINE)

    assert [row for row in rows if f"`{code.value}`" in row] != []
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) <= set(Code)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_explained(verdict: Verdict) -> None:
    assert re.search(rf"\b{verdict.value}\b", OPERATORS)


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_is_explained(phase: Phase) -> None:
    assert re.search(rf"\b{phase.value}\b", CONCEPTS)


def test_phases_of_the_goals_are_in_the_table_in_order() -> None:
    """The table in concepts is the table in goals.py."""
    table = re.findall(r"^\| [^|]+ \| (\w+) \|", CONCEPTS.partition("## One idea")[2], re.MULTILINE)
    shown = [p for p in table if p in {phase.value for phase in Phase}]

    assert list(dict.fromkeys(shown)) == list(dict.fromkeys(goal.phase.value for goal in GOALS))


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.pattern)
def test_every_route_is_documented(route) -> None:
    for method in route.handlers:
        assert f"`{method} {route.pattern}`" in ALL


def test_every_command_of_the_cli_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    found = verbs(capsys)
    listed = PAGES["api.md"].partition("## Command line")[2].partition("\n\n")[2]

    assert {"status", "show", "explain", "history", "approve", "reject"} <= found
    assert {verb for verb in found if not re.search(rf"\b{verb}\b", listed)} == set()


def test_every_command_shown_exists(capsys: pytest.CaptureFixture[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = "\n".join(code())

    assert {"demo", "test", "up", "check", "bench"} <= targets
    assert set(re.findall(r"\bmake ([a-z]+)\b", shown)) - targets == set()
    assert set(re.findall(r"^greenlight ([a-z]+)\b", shown, re.MULTILINE)) - verbs(capsys) == set()


def code() -> list[str]:
    """Whatever is set as code, in blocks or in a line."""
    found = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", ALL, re.DOTALL)
    return [block or inline for block, inline in found]


def test_modules_that_are_shown_can_be_run() -> None:
    shown = set(re.findall(r"python -m ((?:local|bench|docs|ml|infra|tests|simulation)[\w.]*)", ALL))

    assert shown
    for module in shown:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_somewhere(page: str) -> None:
    folder = ROOT if page in ("README.md", "CONTRIBUTING.md") else ROOT / "docs"
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", PAGES[page]) + re.findall(
        r'src="(?!https?:)([^"]+)"', PAGES[page]
    )

    assert [t for t in targets if not (folder / t).exists()] == []
