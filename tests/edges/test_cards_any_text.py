"""Whatever others wrote, in any field: a card stays plain, small, and leads nowhere but to us."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.notify.cards import MAX_CARD, approval_card, notice_card, size_of
from tests.edges.test_cards import ASK, BASE, HOSTILE, NOTICE, PLAIN, hostile_ask, texts, tokens

MARKUP = st.sampled_from(
    [
        *HOSTILE,
        "<at id='0'>Ana</at>",
        "@everyone",
        "[x]",
        "(https://evil.example)",
        "\u202e",
        "\u2067",
        "\r\n",
    ]
)
WRITTEN = st.lists(st.one_of(MARKUP, st.text(max_size=20)), min_size=1, max_size=6).map("".join)
URL = re.compile(r"https?://", re.IGNORECASE)
OURS = {f"{BASE}/review/T", f"{BASE}/promotions/x", f"{BASE}/promotions/y"}
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


def cards(text: str) -> list[dict[str, Any]]:
    ask = replace(hostile_ask(text), head=text, note=text, repeat=True)
    notice = replace(NOTICE, model=text, version=text, sentence=text, actor=text, title=text, repeat=True)
    return [
        approval_card(ask, review_url=f"{BASE}/review/T", base_url=BASE),
        notice_card(notice, url=f"{BASE}/promotions/x", base_url=BASE, newer_url=f"{BASE}/promotions/y"),
    ]


def values(item: Any) -> list[str]:
    if isinstance(item, dict):
        return [v for value in item.values() for v in values(value)]
    if isinstance(item, list):
        return [v for value in item for v in values(value)]
    return [item] if isinstance(item, str) else []


@settings(max_examples=150, deadline=None)
@given(WRITTEN)
def test_any_text_stays_plain_small_and_without_a_way_out(text: str) -> None:
    for card in cards(text):
        assert all(tokens(t) == PLAIN for t in texts(card) if t)
        assert {v for v in values(card) if URL.search(v)} <= OURS | {SCHEMA}
        assert tokens(card["fallbackText"]) == PLAIN
        assert not any("://" in t or "<" in t or "\u202e" in t for t in texts(card))
        assert "entities" not in card["msteams"]
        assert size_of(card) <= MAX_CARD


def test_the_largest_card(capsys: pytest.CaptureFixture[str]) -> None:
    """Every field as long as it may be, in characters of four bytes each."""
    sizes = [size_of(card) for card in cards("\U0001f6a2" * 5000)]

    assert max(sizes) <= MAX_CARD
    with capsys.disabled():
        print(f"\nlargest cards: asks {sizes[0]:,} bytes, tells {sizes[1]:,} bytes", end="")


@pytest.mark.parametrize("most", [12_000, 8_000, 6_000, 4_000, 3_000])
def test_a_card_that_is_too_large_loses_what_is_least_needed(most: int) -> None:
    long = hostile_ask("\U0001f6a2" * 500)
    whole = size_of(approval_card(long, review_url=f"{BASE}/review/T", base_url=BASE, most=10**6))

    card = approval_card(long, review_url=f"{BASE}/review/T", base_url=BASE, most=most)

    assert size_of(card) <= most < whole
    assert "Shortened" in json.dumps(card)
    assert card["body"][-1]["actions"][0]["url"] == f"{BASE}/review/T"
    assert card["body"][0]["items"][0]["text"] == ASK.head
