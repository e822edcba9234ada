"""Gates, traffic guard, journal, probing, rows, names, wakes, messages: row by row."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import rows
from orchestrator.deadletters import scrubbed
from orchestrator.gates import evaluate
from orchestrator.journal import append, verify
from orchestrator.model import Entry, Promotion, Registration, Serving, Slot
from orchestrator.policy import MetricGate
from orchestrator.probing import judge
from orchestrator.seen import DeploymentSeen
from orchestrator.traffic import refuse_removal, refuse_weights
from orchestrator.wakes import read_wake
from orchestrator.world import TAG_SLOT, EndpointSeen
from shared.errors import Invalid
from shared.names import escape, is_legal_name, legal_name, parse_promotion_id, promotion_id, unescape

NOW = datetime(2026, 1, 5, 12, 30, 1, 123456, tzinfo=UTC)


# ---- gates

FLOOR = MetricGate(metric="auc", min=0.8)
CEILING = MetricGate(metric="loss", max=0.5)
AGAINST = MetricGate(metric="auc", compare="serving", margin=0.01)


@pytest.mark.parametrize(
    ("gate", "metrics", "serving", "verdict"),
    [
        (FLOOR, {"auc": 0.8}, None, "pass"),
        (FLOOR, {"auc": 0.79999}, None, "fail"),
        (FLOOR, {}, None, "fail"),
        (FLOOR, {"auc": math.nan}, None, "fail"),
        (CEILING, {"loss": 0.5}, None, "pass"),
        (CEILING, {"loss": 0.51}, None, "fail"),
        (AGAINST, {"auc": 0.8}, None, "pass"),
        (AGAINST, {"auc": 0.81}, {"auc": 0.8}, "pass"),
        (AGAINST, {"auc": 0.805}, {"auc": 0.8}, "fail"),
        (AGAINST, {"auc": 0.9}, {}, "inconclusive"),
    ],
)
def test_a_gate_says_pass_fail_or_inconclusive(
    gate: MetricGate, metrics: dict[str, float], serving: dict[str, float] | None, verdict: str
) -> None:
    (result,) = evaluate([gate], metrics, serving)

    assert result.verdict == verdict
    assert gate.metric in result.sentence


# ---- the traffic guard


SERVING = Serving(version="1", target_version="1", digest="d", deployment="blue", since=NOW, n=1)
BLUE = Slot(model="m", env="qa", serving=SERVING)


def endpoint(traffic: dict[str, int], **states: str) -> EndpointSeen:
    deployments = {n: DeploymentSeen(n, s) for n, s in states.items()}
    return EndpointSeen("e", "Succeeded", traffic, {TAG_SLOT: "m@qa"}, deployments)


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ({"green": 100}, ""),
        ({"blue": 50, "green": 50}, ""),
        ({"green": 99}, "sum to 100"),
        ({"green": 150, "blue": -50}, "sum to 100"),
        ({}, "sum to 100"),
        ({"grey": 100}, "is missing"),
        ({"red": 100}, "is Failed"),
        ({"other": 100}, "neither the candidate"),
    ],
)
def test_weights_that_break_s2_are_refused(weights: dict[str, int], why: str) -> None:
    world = endpoint({"blue": 100}, blue="Succeeded", green="Succeeded", red="Failed", other="Succeeded")

    refusal = refuse_weights(world, weights, BLUE, "green")

    assert (why in refusal) if why else refusal == ""


def test_what_serves_is_never_removed() -> None:
    assert refuse_removal(endpoint({"blue": 100}, blue="Succeeded"), "blue", BLUE)
    assert refuse_removal(endpoint({"green": 1}, green="Succeeded"), "green", BLUE)
    assert refuse_removal(endpoint({}, blue="Succeeded"), "blue", BLUE)
    assert refuse_removal(endpoint({"blue": 100}, blue="Succeeded", green="Failed"), "green", BLUE) == ""


def test_an_endpoint_without_our_mark_is_never_written_to() -> None:
    world = replace(endpoint({}, green="Succeeded"), tags={TAG_SLOT: "other@qa"})

    assert "mark of other@qa" in refuse_weights(world, {"green": 100}, BLUE, "green")
    assert "mark of other@qa" in refuse_removal(world, "green", BLUE)


# ---- the journal

KEY = b"journal key"
ENTRIES = [Entry(what=f"w{i}", why="why", by="me", at=NOW, n=i) for i in range(4)]


def test_a_whole_journal_verifies() -> None:
    made = append("m@qa", 0, "", ENTRIES, KEY)

    assert verify("m@qa", made, 4, made[-1].hash, KEY) == []


@pytest.mark.parametrize("at", range(4))
def test_any_edit_gap_swap_or_foreign_key_is_found(at: int) -> None:
    made = list(append("m@qa", 0, "", ENTRIES, KEY))
    head = made[-1].hash
    edited = [replace(r, entry=replace(r.entry, why="lie")) if i == at else r for i, r in enumerate(made)]
    missing = [r for i, r in enumerate(made) if i != at]
    swapped = made.copy()
    swapped[at], swapped[at - 1] = swapped[at - 1], swapped[at]
    remade = append("m@qa", 0, "", [e.entry for e in edited], b"another key")

    for broken in (edited, missing, swapped, remade):
        assert verify("m@qa", broken, 4, head, KEY)
    assert verify("other@qa", made, 4, head, KEY)


# ---- probing


@pytest.mark.parametrize(
    ("status", "body", "ok", "retry"),
    [
        (200, b"[[0.2, 0.8]]", True, False),
        (200, b"[]", False, False),
        (200, b"null", False, False),
        (200, b"<html>", False, False),
        (424, b"", False, False),
        (401, b"", False, False),
        (500, b"", False, False),
        (404, b"", False, True),
        (503, b"", False, True),
        (429, b"", False, True),
    ],
)
def test_an_answer_is_good_bad_or_says_nothing(status: int, body: bytes, ok: bool, retry: bool) -> None:
    judged = judge(status, body, {"ms-azureml-model-error-statuscode": "500"})

    assert (judged.ok, judged.retry) == (ok, retry)


# ---- rows and names

REGISTRATION = Registration(
    model="m", version="1", created_at=NOW, uri="u", workspace="w", tags={"a": "x" * 70_000}
)
PROMOTION = Promotion(
    n=7, model="m", env="qa", registration=REGISTRATION, opened_at=NOW, origin="o", updated_at=NOW,
    metrics={"auc": 0.9}, wanted={"v1": 100}, ended_at=NOW,
)  # fmt: skip


def test_a_value_survives_its_row_however_long() -> None:
    row = rows.columns(PROMOTION)

    assert rows.value(Promotion, row) == PROMOTION
    assert all(len(v) <= 32_768 for v in row.values() if isinstance(v, str))


def test_a_newer_row_is_left_alone_and_a_foreign_one_is_named() -> None:
    with pytest.raises(rows.NewerSchema):
        rows.value(Promotion, rows.columns(PROMOTION) | {"schema": 99})
    with pytest.raises(rows.CorruptRow, match="not written by Greenlight"):
        rows.value(Promotion, {"hello": "world"})
    with pytest.raises(rows.CorruptRow, match="cannot be read as Promotion"):
        rows.value(Promotion, rows.columns(PROMOTION) | {"registration": "{"})


@given(st.text(min_size=1, max_size=80))
def test_escaping_is_reversible_and_safe(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    safe = escape(text)

    assert unescape(safe) == text
    assert not set(safe) & set("~./\\#?@% ")


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_any_text_has_a_legal_name(text: str) -> None:
    assert is_legal_name(legal_name(text))


def test_promotion_ids_read_back() -> None:
    made = promotion_id("my.model/ü", "qa", "1.2.0", 12)

    assert made.count(".") == 3
    assert parse_promotion_id(made) == ("my.model/ü", "qa", "1.2.0", 12)


@pytest.mark.parametrize("text", ["", "a.b.c", "a.b.c.d", "a.b.c.1.2", "a/../b.qa.1.1", "a.qa.1.99999999999"])
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_promotion_id(text)


# ---- messages


@pytest.mark.parametrize(
    "text", ["", "hello", "{}", "[]", '{"v":2,"wake":"m@qa"}', '{"v":1,"wake":7}', '{"v":1,"wake":"m"}']
)
def test_what_is_not_a_wake_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_wake(text)


JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {JWT}",
        f'{{"token": "{JWT}"}}',
        "https://host/review/WyJ0aXRhbmljIl0.aRandomToken123.sig",
        "https://host/runtime/webhooks/eventgrid?functionName=f&code=secretvalue",
        "https://host/hook?api-version=1&sig=secretvalue",
    ],
)
def test_dead_letters_keep_no_tokens(text: str) -> None:
    clean = scrubbed(text)

    assert "(removed)" in clean
    for secret in (JWT, "secretvalue", "aRandomToken123"):
        assert secret not in clean
