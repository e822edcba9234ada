"""A candidate at 0 % is asked by name until it has convinced, or has not; what serves is never touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.asking_by_name import PATIENCE
from orchestrator.model import Promotion, Reason, Verdict
from shared.errors import Unavailable
from shared.ports import Answer
from shared.queues import WAKES
from simulation.twins.scoring import answers, predicts
from tests.engine.town import DEV, PIPELINE, Town

GOOD = [[0.2, 0.8]]
GOLDEN = {
    "version": 1,
    "cases": [
        {"name": "a woman", "request": {"x": 1}, "expect": GOOD, "tolerance": 0.1},
        {"name": "a man", "request": {"x": 2}, "expect": GOOD, "tolerance": 0.1},
    ],
}
DEMANDING = PIPELINE.replace("    probe: {request: request.json}\n", (
    "    probe: {request: request.json, requests: 20}\n    golden: {file: golden.json}\n"
)).replace(
    "gates: {dev: [", "gates: {dev: [{golden: true}, {latency_p95_ms: 250}, "
)  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Town:
    (tmp_path / "golden.json").write_text(json.dumps(GOLDEN))
    town = Town(tmp_path, DEMANDING)
    town.scoring.models["titanic", "1"] = predicts(list(GOOD))
    announce(town, "1")
    assert town.promotion(1, DEV).verdict is Verdict.LIVE
    return town


def announce(town: Town, version: str) -> Promotion:
    town.register(version)
    town.announce(version)
    town.settle()
    return town.promotion(int(version), DEV)


def serves(town: Town, version: str) -> bool:
    """This version has all traffic, and nothing else is left at the endpoint."""
    serving = town.state(DEV).slot.serving
    there = [d.name for d in town.dev.deployments("titanic-dev")]
    assert serving is not None
    return serving.version == version and town.traffic(DEV) == {serving.deployment: 100} and len(there) == 1


def test_a_good_candidate_answers_every_request(town: Town) -> None:
    probe = town.promotion(1, DEV).probe

    assert probe is not None
    assert (probe.ok, probe.asked, probe.p95_ms) == (True, 20, 20)
    assert probe.sentence.endswith(
        "answered 20 of 20 requests by name, the 2 golden ones as expected, 95 % within 20 ms"
    )
    assert serves(town, "1")


def by_request(told: dict[int, object]) -> Callable[[bytes], Answer]:
    def model(body: bytes) -> Answer:
        answer = told.get(json.loads(body).get("x"), GOOD)
        return Answer(200, json.dumps(answer).encode(), {}, 0.02)

    return model


@pytest.mark.parametrize(
    ("model", "reason", "sentence"),
    [
        (by_request({2: [[0.8, 0.2]]}), Reason.GOLDEN, "otherwise than expected: the answer[0][0] is 0.8"),
        (by_request({1: {"error": "oops"}}), Reason.GOLDEN, 'is {"error": "oops"}, a list of 1 is expected'),
        (predicts(["rubbish"]), Reason.GOLDEN, "a list of 2 is expected"),
        (answers(200, "<html>welcome</html>"), Reason.PROBE, "answered 200 with something that is not JSON"),
        (answers(200, "[]"), Reason.PROBE, "answered 200 with nothing in it"),
        (answers(500, "boom"), Reason.PROBE, "answered 424 (the model said 500)"),
        (predicts(list(GOOD), seconds=0.3), Reason.LATENCY, "took 300 ms for 95 of 100 answers, at most 250"),
    ],
)  # fmt: skip
def test_a_bad_candidate_never_gets_traffic(
    town: Town, model: Callable[[bytes], Answer], reason: Reason, sentence: str
) -> None:
    town.scoring.models["titanic", "2"] = model

    ended = announce(town, "2")

    assert (ended.verdict, ended.reason) == (Verdict.FAILED, reason)
    assert sentence in ended.sentence
    assert serves(town, "1")


def test_one_slow_answer_in_twenty_is_none(town: Town) -> None:
    town.scoring.models["titanic", "2"] = in_turn([slow(3.0), *[slow(0.02)] * 19])
    assert announce(town, "2").verdict is Verdict.LIVE


def test_two_are(town: Town) -> None:
    town.scoring.models["titanic", "2"] = in_turn([slow(3.0), slow(3.0), *[slow(0.02)] * 18])
    assert announce(town, "2").reason is Reason.LATENCY


def slow(seconds: float) -> Answer:
    return Answer(200, json.dumps(GOOD).encode(), {}, seconds)


def in_turn(told: list[Answer]) -> Callable[[bytes], Answer]:
    """These answers, the last one for ever."""
    return lambda _body: told.pop(0) if len(told) > 1 else told[0]


def test_what_takes_long_is_asked_in_several_calls(town: Town) -> None:
    """No call outlives its deadline, and no answer is asked for twice."""
    asked: list[float] = []

    def model(_body: bytes) -> Answer:
        town.clock.advance(4)
        asked.append(town.clock.now().timestamp())
        return slow(0.2)

    town.scoring.models["titanic", "2"] = model

    ended = announce(town, "2")

    assert ended.verdict is Verdict.LIVE
    assert len(asked) == 20
    parts = [
        row for row in town.app.ledger.journal(DEV) if row.entry.n == 2 and row.entry.what == "probe.done"
    ]
    assert len(parts) == 7
    assert "answers so far, all good" in "".join(row.entry.why for row in parts)
    assert ended.probing == ()


def test_what_dies_in_the_middle_begins_anew(town: Town) -> None:
    """It became ready, answered, died, and came back: twenty in a row are twenty in a row."""
    gone = Answer(503, b"", {}, 0.01)
    served: list[bytes] = []
    told = [*[slow(0.02)] * 12, gone, *[slow(0.02)] * 20]

    def model(body: bytes) -> Answer:
        served.append(body)
        return told.pop(0)

    through(town, "2", model)
    ended = announce(town, "2")

    assert ended.verdict is Verdict.LIVE
    assert len(served) == 33


def test_requests_that_do_not_come_through_cost_time_and_not_the_row(town: Town) -> None:
    """Every fourth one fails on its way: twenty in a row would never come about."""
    sent: list[bytes] = []

    def model(body: bytes) -> Answer:
        sent.append(body)
        if len(sent) % 4 == 0:
            raise Unavailable("no connection")
        return slow(0.02)

    through(town, "2", model)
    ended = announce(town, "2")

    assert ended.verdict is Verdict.LIVE
    assert len(sent) == 26


def test_what_becomes_ready_and_dies_is_given_up(town: Town) -> None:
    told = [slow(0.02)] * 5

    def model(_body: bytes) -> Answer:
        return told.pop() if told else Answer(502, b"", {}, 0.01)

    through(town, "2", model)
    began = town.clock.now()
    ended = announce(town, "2")

    assert (ended.verdict, ended.reason) == (Verdict.FAILED, Reason.PROBE)
    assert "answered 502" in ended.sentence
    assert town.clock.now() - began < timedelta(hours=1)
    assert serves(town, "1")
    troubles = [row.entry.why for row in town.app.ledger.journal(DEV) if row.entry.what == "probe.troubled"]
    assert "answered 5 requests, then answered 502" in " ".join(troubles)


def through(town: Town, version: str, model: Callable[[bytes], Answer]) -> None:
    """The router itself answers 502 and 503: the model behind it is not there to be asked."""
    plain = town.scoring.score

    def score(uri: str, key: str, body: bytes, **how: object) -> Answer:
        answer = plain(uri, key, body, **how)  # type: ignore[arg-type]
        inner = answer.headers.get("ms-azureml-model-error-statuscode")
        return Answer(int(inner), b"", {}, answer.seconds) if inner else answer

    town.scoring.models["titanic", version] = model
    town.scoring.score = score  # type: ignore[method-assign]


def test_reads_that_failed_while_it_was_deployed_take_no_patience_with_the_candidate(town: Town) -> None:
    """Its first request does not come through, and that says as little as it would have without them."""
    town.scoring.models["titanic", "2"] = predicts(list(GOOD))
    town.register("2")
    town.announce("2")
    while len(town.dev.deployments("titanic-dev")) < 2:
        for text in town.queues.take(WAKES):
            triggers.wake(town.app, text)
        town.clock.advance(1)
    town.dev.faults.fail("deployments", Unavailable("reads are down"), times=PATIENCE + 2)
    town.scoring.faults.fail("score", Unavailable("no connection"), times=2)
    town.settle()

    assert town.promotion(2, DEV).verdict is Verdict.LIVE
    assert serves(town, "2")
