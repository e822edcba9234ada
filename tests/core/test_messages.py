"""Whatever stands on the queue is either proven or refused in words: nothing of it breaks the reader."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.channel_policy import ChannelPolicy
from orchestrator.messages import Claims, NotProven, Proven, parked, proven, shown
from shared.channel_tokens import (
    TYPE,
    TokenForged,
    TokenUnreadable,
    new_key,
    opened,
    peeked,
    public_key,
    sign_vote,
)

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ANA = "11111111-1111-4111-8111-111111111111/33333333-0000-4000-8000-000000000002"
KEY = new_key()
CHANNEL = ChannelPolicy.model_validate(
    {"name": "bridge", "public_keys": [public_key(KEY)], "voters": [{"name": "Ana", "id": ANA}]}
)
GOOD = sign_vote(
    KEY, channel="bridge", promotion="titanic.qa.1.1", number=1, hash="ab" * 32, voter=ANA,
    decision="approve", now=NOW,
)  # fmt: skip
TOKEN: str = json.loads(GOOD)["signed"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def read(text: str) -> Proven:
    return proven(text, [CHANNEL], came=NOW, now=NOW, parking_key=b"k")


def url64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def refused(text: str) -> None:
    """And dead letters can keep it: without the token, as a table can hold it."""
    with pytest.raises(NotProven) as why:
        read(text)
    assert str(why.value).encode()
    kept = json.dumps(shown(text), ensure_ascii=False).encode().decode()
    assert len(kept) < 3000
    assert TOKEN.rpartition(".")[2] not in kept + str(why.value)


@given(st.text(st.characters(), max_size=200))
def test_any_text(text: str) -> None:
    refused(text)


@given(ANYTHING)
def test_any_json(value: Any) -> None:
    refused(json.dumps(value))


@given(st.sampled_from(["version", "kind", "signed", "parked", "other"]), ANYTHING)
def test_any_envelope(field: str, value: Any) -> None:
    text = json.dumps(json.loads(GOOD) | {field: value})
    if (field == "parked" and value is None) or value == json.loads(GOOD).get(field, ...):
        assert read(text).voter.id == ANA
    else:
        refused(text)


@given(ANYTHING, ANYTHING, st.binary(max_size=80))
def test_any_token(header: Any, claims: Any, signature: bytes) -> None:
    token = f"{url64(header)}.{url64(claims)}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    refused(json.dumps(json.loads(GOOD) | {"signed": token}))


@settings(max_examples=200)
@given(st.sampled_from(list(Claims.model_fields)), ANYTHING)
def test_any_claim_that_the_channel_itself_signs(claim: str, value: Any) -> None:
    """A broken bridge: its signature proves, and what it says is nonsense."""
    said = peeked(TOKEN) | {claim: value}
    header = {"typ": TYPE}
    signed = jwt.PyJWS().encode(json.dumps(said).encode(), KEY, algorithm="EdDSA", headers=header)
    text = json.dumps(json.loads(GOOD) | {"signed": signed})
    try:
        found = read(text).claims.model_dump()[claim]
    except NotProven:
        refused(text)
    else:
        assert found == value


@pytest.mark.parametrize("depth", [10, 500, 900, 990, 5000])
@pytest.mark.parametrize("claim", ["iss", "version", "sub"])
def test_what_goes_very_deep_is_only_refused(depth: int, claim: str) -> None:
    deep = "[" * depth + "]" * depth
    body = base64.urlsafe_b64encode(f'{{"iss": "bridge", "{claim}": {deep}}}'.encode()).decode().rstrip("=")
    refused(json.dumps(json.loads(GOOD) | {"signed": f"{TOKEN.partition('.')[0]}.{body}.AAAA"}))
    refused(f'{{"version": {deep}, "signed": "x"}}')


def test_a_parked_message_proves_as_long_as_it_is_as_it_was() -> None:
    back = parked(read(GOOD), b"k")
    years = datetime(2027, 1, 1, tzinfo=UTC)

    vote = proven(back, [CHANNEL], came=years, now=years, parking_key=b"k")

    assert (vote.came, vote.claims) == (NOW, read(GOOD).claims)
    with pytest.raises(NotProven, match="only Greenlight itself"):
        proven(back, [CHANNEL], came=years, now=years, parking_key=b"another key")


def test_a_key_proves_its_own_signatures_only() -> None:
    others = [public_key(new_key()) for _ in range(3)]

    assert opened(TOKEN, [*others, public_key(KEY)])[0] == peeked(TOKEN)
    with pytest.raises(TokenForged):
        opened(TOKEN, others)
    with pytest.raises(TokenForged):
        opened(TOKEN, [])
    for broken in ("", ".", "..", "a.b", "a.b.c.d", f"{TOKEN}.", TOKEN.rpartition(".")[0] + "."):
        with pytest.raises(TokenUnreadable):
            opened(broken, [public_key(KEY)])
