"""Cards and queue messages: same content, small, and nothing in them that someone else can steer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shared.errors import Invalid
from shared.notify.ask import Ask, GateRow, MetricRow, Notice, Voter
from shared.notify.cards import MAX_CARD, approval_card, notice_card, quiet
from shared.notify.queue import MAX_MESSAGE, approval_requested, noticed

GOLDENS = Path(__file__).parent / "goldens"
BASE = "https://greenlight.example"
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ASK = Ask(
    promotion="titanic.qa.2.1",
    k=1,
    model="titanic",
    environment="qa",
    version="2",
    hash="a" * 64,
    asked_at=AT,
    expires_at=AT.replace(day=28),
    required=1,
    approvers=(Voter(name="Ana", id="t/ana"), Voter(name="ML leads", group="g1")),
    serving_version="1",
    metrics=(
        MetricRow(name="test_auc", candidate=0.8612, serving=0.8431),
        MetricRow(name="rows", candidate=179, serving=None),
    ),
    gates=(
        GateRow(
            name="test_auc", verdict="pass", sentence="test_auc is 0.8612, at least 0.8431 of what serves now"
        ),
    ),
    description="Adds the deck as a feature.",
    author="33333333-0000-4000-8000-000000000001",
    run_id="brave_sun_x1",
    commit="0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    data_version="3",
    digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    size=48_211,
    plan="blue/green: everything moves at once, the old deployment is then removed",
    checks="20 requests in a row are answered without error, the golden ones as expected",
    cost="1 × Standard_DS3_v2 (0.27 EUR an hour) beside 2 × Standard_DS2_v2 for 24 h: "
    "48 instance-hours more, about 6.48 EUR",
    extra_hours=48.0,
    extra_cost=6.48,
    currency="EUR",
)
NOTICE = Notice(
    id=f"{ASK.promotion} 1 end",
    kind="live",
    promotion=ASK.promotion,
    k=1,
    model="titanic",
    environment="qa",
    version="2",
    title="live",
    tone="good",
    sentence="v2-1764012345 was observed at 100 %",
    actor="greenlight",
    at=AT,
)
HOSTILE = (
    "<script>alert(1)</script>",
    "[approve here](https://evil.example/)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example/a",
    "www.evil.example",
    "<at>Everyone</at>",
    "**bold** _it_ __un__ ~~gone~~ `code`",
    "# heading",
    "- item",
    "* item",
    "+ item",
    "1. item",
    "12) item",
    "> quote",
    "---",
    "===",
    "a\n\n# b",
    "&lt;b&gt; &#91;x&#93;(y)",
    "\\[x](y)",
    "safe\u202egnp.exe",
    "zero\u200bwidth\u2066",
    "bell\x07\x1b[31mred",
    "|a|b|",
    "{{DATE(2026-01-01T00:00:00Z)}} ${x}",
    "e" + "\u0301" * 50,
    "W" * 5000,
    "\U0001f6a2" * 500,
)


def texts(card: Any) -> list[str]:
    """Everything in a card that Teams parses as Markdown."""
    if isinstance(card, list):
        return [t for item in card for t in texts(item)]
    if not isinstance(card, dict):
        return []
    own = [card[k] for k in ("text", "title", "value") if isinstance(card.get(k), str)]
    return own + [t for item in card.values() for t in texts(item)]


def tokens(text: str) -> list[str]:
    return [
        f"{t.type}:{','.join(c.type for c in t.children or ())}" for t in MarkdownIt("commonmark").parse(text)
    ]


PLAIN = ["paragraph_open:", "inline:text", "paragraph_close:"]


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("approval.json", approval_card(ASK, review_url=f"{BASE}/review/TOKEN", base_url=BASE)),
        ("notice.json", notice_card(NOTICE, url=f"{BASE}/promotions/{ASK.promotion}", base_url=BASE)),
        ("message.json", json.loads(approval_requested(ASK, url=f"{BASE}/promotions/{ASK.promotion}"))),
    ],
)
def test_the_content_is_as_reviewed(name, card):
    """Renew a golden by deleting it, running this once, and reading the difference."""
    golden = GOLDENS / name
    if not golden.exists():
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
        pytest.fail(f"{name} was missing and has been written: read it, then run again")

    assert card == json.loads(golden.read_text())


def test_a_size_that_nobody_knows_is_no_zero():
    shown = " ".join(
        texts(approval_card(replace(ASK, size=0), review_url=f"{BASE}/review/TOKEN", base_url=BASE))
    )
    assert "size unknown" in shown
    assert "0 bytes" not in shown


def test_a_first_deployment_is_compared_with_nothing():
    ask = replace(
        ASK, serving_version="", metrics=(MetricRow(name="test_auc", candidate=0.86, serving=None),)
    )

    said = texts(approval_card(ask, review_url=f"{BASE}/review/T", base_url=BASE))

    assert "Nothing serves there yet" in " ".join(said)
    assert "New" in said
    assert not {"Now", "Change", "–"} & set(said)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_plain_text(text):
    assert tokens(quiet(text)) == PLAIN


@settings(max_examples=400)
@given(st.text(alphabet=st.sampled_from("[]()*_`~#<>!\\-+=.|:/&;@ a1w\n\u202e"), min_size=1, max_size=40))
def test_no_mixture_of_markup_is_parsed(text):
    made = quiet(text)

    assert tokens(made) in (PLAIN, [])
    assert not any(sign in made for sign in ("://", "www.", "<", "[", "\n", "\u202e"))


def hostile_ask(text: str) -> Ask:
    """Every field that someone outside can write says `text`, and every list is long."""
    return replace(
        ASK,
        model=text,
        version=text,
        description=text,
        author=text,
        run_id=text,
        commit=text,
        data_version=text,
        plan=text,
        serving_version=text,
        approvers=(Voter(name=text, id="t/x"),) * 60,
        metrics=(MetricRow(name=text, candidate=1e12, serving=float("nan")),) * 60,
        gates=(GateRow(name=text, verdict="fail", sentence=text),) * 60,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_plain_and_small_in_every_field_of_a_card(text):
    card = approval_card(hostile_ask(text), review_url=f"{BASE}/review/T", base_url=BASE)

    assert len(json.dumps(card, ensure_ascii=False).encode()) < MAX_CARD
    assert all(tokens(t) == PLAIN for t in texts(card) if t)
    assert "msteams.entities" not in json.dumps(card)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_notice_stays_plain_and_small(text):
    notice = replace(NOTICE, model=text, version=text, sentence=text, actor=text, title=text)

    card = notice_card(notice, url=f"{BASE}/promotions/x", base_url=BASE)

    assert len(json.dumps(card, ensure_ascii=False).encode()) < MAX_CARD
    assert all(tokens(t) == PLAIN for t in texts(card) if t)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/review/T",
        "http://greenlight.example/review/T",
        "javascript:alert(1)",
        "https://greenlight.example@evil.example/",
        "https://greenlight.example.evil.example/",
        "/review/T",
        "",
    ],
)
def test_a_card_links_to_our_own_address_only(url):
    with pytest.raises(Invalid):
        approval_card(ASK, review_url=url, base_url=BASE)


def test_only_features_of_version_1_4_are_used():
    kinds: set[str] = set()

    def walk(item: Any) -> None:
        if isinstance(item, dict):
            kinds.add(item["type"]) if "type" in item else None
            for value in item.values():
                walk(value)
        elif isinstance(item, list):
            for value in item:
                walk(value)

    walk(approval_card(ASK, review_url=f"{BASE}/review/T", base_url=BASE))

    assert kinds <= {
        "AdaptiveCard",
        "TextBlock",
        "Container",
        "ColumnSet",
        "Column",
        "FactSet",
        "ActionSet",
        "Action.OpenUrl",
    }


def test_the_queue_message_carries_no_token():
    message = approval_requested(ASK, url=f"{BASE}/promotions/{ASK.promotion}")

    assert "/review/" not in message
    assert "token" not in message.lower()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_queue_message_fits_the_queue_and_is_strict_json(text):
    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    long = hostile_ask(text)
    for message in (
        approval_requested(long, url=BASE),
        noticed(replace(NOTICE, sentence=text * 50), url=BASE),
    ):
        assert len(message.encode()) <= MAX_MESSAGE
        assert json.loads(message, parse_constant=refuse)["version"] == 1
