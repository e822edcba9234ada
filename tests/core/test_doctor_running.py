"""Checks run side by side: none hides another, and none outlasts the run. What is said of it."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.doctor import telling
from orchestrator.doctor.finding import WHY, Code, Finding, Unseen
from orchestrator.doctor.running import AT_ONCE, Check, run, within
from shared.errors import Unavailable
from tests.core.test_architecture import CLOCKS, NO_CORE, below, everywhere

ROOT = Path(__file__).parents[2]
WRONG = Finding(code=Code.QUOTA, where="qa", wrong="too little", mend="az one\naz two")
PURE = ("events", "finding", "people", "rights", "serving", "storing", "telling", "tried", "workspaces")


def well() -> tuple[Finding, ...]:
    return ()


def breaks() -> tuple[Finding, ...]:
    raise ZeroDivisionError("oh")


def refused() -> tuple[Finding, ...]:
    raise Unavailable("the service is away")


def test_one_that_breaks_hides_no_other() -> None:
    checks = [
        Check("a", "", breaks),
        Check("b", "", refused),
        Check("c", "", lambda: (WRONG,)),
        Check("d", "", well),
    ]
    done = run(checks, 10)

    assert [(c.name, c.result) for c in done] == [
        ("a", "not_known"),
        ("b", "not_known"),
        ("c", "wrong"),
        ("d", "well"),
    ]
    assert "the check itself broke: ZeroDivisionError: oh" in done[0].findings[0].wrong
    assert done[1].findings[0].wrong == "the service is away"


def test_one_that_never_answers_is_left_behind_and_said() -> None:
    never = threading.Event()

    def hangs() -> tuple[Finding, ...]:
        never.wait()
        return ()

    done = run([Check("stuck", "qa", hangs), Check("fine", "", well)], 0.5)
    never.set()

    assert [c.result for c in done] == ["not_known", "well"]
    assert done[0].findings[0].where == "qa"
    assert "no answer within 0.5 s" in done[0].findings[0].wrong


def test_what_was_found_before_a_check_broke_is_kept() -> None:
    def half():
        yield WRONG
        raise Unavailable("then it went away")

    (done,) = run([Check("half", "", half)], 10)

    assert [f.code for f in done.findings] == [Code.QUOTA, Code.NOT_KNOWN]
    assert done.result == "wrong"


def test_independent_checks_run_at_once() -> None:
    """They wait for each other: one after the other they would never end."""
    together = threading.Barrier(AT_ONCE)

    def meets() -> tuple[Finding, ...]:
        together.wait(timeout=20)
        return ()

    assert {c.result for c in run([Check(str(n), "", meets) for n in range(AT_ONCE)], 30)} == {"well"}


def test_a_check_without_its_setting_is_not_made() -> None:
    check = Check("keys", "", breaks, frozenset({"GREENLIGHT_LINK_KEYS"}))
    (done,) = run([check], 10, frozenset({"GREENLIGHT_LINK_KEYS", "GREENLIGHT_TENANT"}))

    assert done.findings[0].wrong == "GREENLIGHT_LINK_KEYS is missing or wrong"


def test_an_answer_in_time_or_that_there_was_none() -> None:
    never = threading.Event()

    assert within(10, lambda: 7) == 7
    assert isinstance(within(0.2, never.wait), Unseen)
    with pytest.raises(ZeroDivisionError):
        within(10, breaks)
    never.set()


@pytest.mark.parametrize(
    ("looks", "code"),
    [
        ((well,), 0),
        ((well, refused), 3),
        ((well, lambda: (WRONG,)), 2),
        ((refused, lambda: (WRONG,)), 2),
        ((), 0),
    ],
)
def test_the_exit_code(looks, code: int) -> None:
    done = run([Check(str(n), "", look) for n, look in enumerate(looks)], 10)

    assert telling.code_of(done) == code
    assert telling.told(done, "")["well"] is (code == 0)


def test_what_is_said() -> None:
    done = run(
        [Check("quota", "qa", lambda: (WRONG, WRONG)), Check("keys", "", well), Check("x", "", refused)], 10
    )

    lines = telling.lines(done, "ana (oid)")
    assert lines == [
        "Asked by ana (oid).",
        "✗ quota (qa)",
        "    quota: too little",
        f"      why it matters: {WHY[Code.QUOTA]}",
        "      mend it: az one",
        "               az two",
        "✓ keys",
        "? x",
        "    not known: the service is away",
        "",
        "1 checks are well, 1 found something wrong, 1 could not be made.",
    ]
    told = telling.told(done, "ana (oid)")
    assert (told["schema"], told["asked_by"]) == (1, "ana (oid)")
    assert told["findings"][0] == {
        "check": "quota",
        "code": "quota",
        "where": "qa",
        "wrong": "too little",
        "why": WHY[Code.QUOTA],
        "mend": ["az one", "az two"],
    }


def test_nothing_in_an_answer_steers_the_terminal() -> None:
    evil = Finding(code=Code.QUOTA, where="x", wrong="a\x1b[2Jb\nc", mend="az \x1b]0;x\x07")
    said = "".join(telling.lines(run([Check("x", "\x1b[1m", lambda: (evil,))], 10), "\x1b[31m"))

    assert "\x1b" not in said
    assert "\x07" not in said


def test_every_code_says_why_it_matters() -> None:
    assert set(WHY) == set(Code)


@pytest.mark.parametrize("name", PURE)
def test_what_judges_is_pure(name: str) -> None:
    path = ROOT / "orchestrator" / "doctor" / f"{name}.py"
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]

    assert (
        below(everywhere(path), *(NO_CORE - {"threading", "time"} if name == "telling" else NO_CORE)) == set()
    )
    assert {c.func.attr for c in calls if isinstance(c.func, ast.Attribute)} & CLOCKS == set()


def test_the_app_never_loads_it() -> None:
    program = "import sys, function_app\nprint([m for m in sys.modules if 'doctor' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
