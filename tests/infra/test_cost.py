"""The cost page reckons with counts that measurements stay below."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
COST, BENCHMARKS = ((DOCS / name).read_text() for name in ("cost.md", "benchmarks.md"))


def measured(row: str) -> int:
    """The largest figure of rows that begin so, in docs/benchmarks.md."""
    found = re.findall(rf"^\| {row}[^|]*\| (\d+) \|", BENCHMARKS, re.MULTILINE)
    return max(map(int, found))


def test_transactions_are_reckoned_at_least_as_measured() -> None:
    (formula,) = re.findall(
        r"T = (\d+) \(event\) \+ (\d+) \(dev\) \+ (\d+) \(qa\) \+ (\d+) \(vote\) \+ (\d+)", COST
    )
    event, dev, qa, vote, poll = map(int, formula)

    assert measured("one event") <= event
    assert measured("one blue/green promotion in dev") <= dev
    assert measured("one blue/green promotion in qa") <= qa
    assert measured("one vote") <= vote
    assert measured("one poll") <= poll
    assert measured("dev: the dearest") <= poll


def test_calls_are_reckoned_as_measured() -> None:
    wakes = {
        env: int(n) for env, n in re.findall(r"^\| (\w+): tables .* in (\d+) wakes", BENCHMARKS, re.MULTILINE)
    }
    ((dev, qa),) = re.findall(r"C = 1 \(event\) \+ (\d+) \(dev\) \+ (\d+) \(qa\)", COST)

    assert wakes["dev"] <= int(dev)
    assert wakes["qa"] <= int(qa)


def test_waiting_is_said_with_what_it_may_take() -> None:
    (most,) = re.findall(r"at most (\d+) transactions an hour", COST)

    assert measured("an hour of waiting") <= int(most)


def test_the_number_of_alerts_is_the_number_of_rules() -> None:
    alerts = (DOCS.parent / "infra" / "modules" / "alerts.bicep").read_text()
    rules = len(re.findall(r"startswith \"alarm", alerts)) + len(re.findall(r"requests \| where", alerts))

    assert f"| alerts | {rules} rules |" in COST
    assert set(re.findall(r"evaluationFrequency: '(\w+)'", alerts)) == {"PT15M"}
