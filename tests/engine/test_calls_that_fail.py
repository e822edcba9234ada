"""Each outside call fails once, or succeeds without an answer: nothing changes but time."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.model import Verdict
from shared.errors import GreenlightError, Unavailable, Unknown
from tests.engine.test_edges import live
from tests.engine.town import QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


CALLS = [
    ("dev", "model"), ("dev", "endpoint"), ("dev", "deployments"), ("dev", "create_endpoint"),
    ("dev", "create_deployment"), ("dev", "write_traffic"), ("dev", "scoring_key"), ("dev", "datastore"),
    ("qa", "model"), ("qa", "register"), ("qa", "endpoint"), ("qa", "deployments"), ("qa", "create_endpoint"),
    ("qa", "create_deployment"), ("qa", "write_traffic"), ("qa", "delete_deployment"), ("qa", "scoring_key"),
    ("blobs", "list"), ("blobs", "read"), ("blobs", "copy_from"), ("blobs", "put_json"),
    ("blobs", "get_json"), ("scoring", "score"), ("runs", "run"),
]  # fmt: skip
ERRORS: list[tuple[GreenlightError, bool]] = [
    (Unavailable("503"), False),
    (Unknown("no answer in time"), True),
]


@pytest.mark.parametrize("call", CALLS, ids=[".".join(c) for c in CALLS])
@pytest.mark.parametrize(("error", "after_effect"), ERRORS, ids=["refused", "done without an answer"])
def test_one_failed_call_changes_nothing_but_time(
    town: Town, call: tuple[str, str], error: GreenlightError, after_effect: bool
) -> None:
    port, operation = call
    faults = getattr(town, port).faults
    faults.fail(operation, error, times=2, after_effect=after_effect)

    live(town, "1")
    live(town, "2")

    assert all(rule.times < 2 for rule in faults._rules), "the fault was never met"

    serving = town.state(QA).slot.serving
    assert serving is not None
    assert serving.version == "2"
    assert town.traffic(QA) == {serving.deployment: 100}
    assert [d.name for d in town.qa.deployments("titanic-qa")] == [serving.deployment]
    assert town.promotion(2).verdict is Verdict.LIVE
