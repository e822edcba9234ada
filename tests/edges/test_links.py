"""Signed links: bound to their purpose, expiring, rotated, and not malleable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid, Unavailable
from shared.links import (
    FORM_LIFE,
    REVIEW_LIFE,
    Links,
    NoKey,
    RequestRef,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)

OLD, NEW = "old-key-0123456789abcdef", "new-key-0123456789abcdef"
REF = RequestRef("titanic.qa.2.1", 3)
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_a_link_leads_to_the_request_it_was_made_for():
    links = Links([NEW])

    assert links.open_review(links.review_token(REF)) == REF


def test_a_link_of_a_rotated_key_still_opens_until_the_key_is_dropped():
    token = Links([OLD]).review_token(REF)

    assert Links([NEW, OLD]).open_review(token) == REF
    with pytest.raises(TokenInvalid):
        Links([NEW]).open_review(token)


def test_the_newest_key_signs():
    assert Links([NEW]).open_review(Links([NEW, OLD]).review_token(REF)) == REF


def test_missing_expired_and_invalid_are_told_apart_and_are_all_invalid_input():
    clock = SetClock()
    links = Links([NEW], clock=clock)
    token = links.review_token(REF)

    with pytest.raises(TokenMissing):
        links.open_review("")
    clock.at = START + REVIEW_LIFE + timedelta(minutes=6)
    with pytest.raises(TokenExpired):
        links.open_review(token)
    with pytest.raises(TokenInvalid):
        links.open_review(token[:-4])
    assert {TokenMissing, TokenExpired, TokenInvalid} <= set(Invalid.__subclasses__())


@pytest.mark.parametrize("skew", [-timedelta(minutes=5), timedelta(minutes=5)])
def test_five_minutes_of_clock_skew_between_two_machines_change_nothing(skew):
    token = Links([NEW], clock=SetClock(START + skew)).review_token(REF)

    assert Links([NEW], clock=SetClock()).open_review(token) == REF


def test_a_token_from_the_future_is_refused():
    token = Links([NEW], clock=SetClock(START + timedelta(hours=1))).review_token(REF)

    with pytest.raises(TokenInvalid):
        Links([NEW], clock=SetClock()).open_review(token)


def test_a_token_of_another_purpose_is_refused():
    links = Links([NEW])

    with pytest.raises(TokenInvalid):
        links.open_review(links.form_token(REF.promotion, "3"))
    with pytest.raises(TokenInvalid):
        links.check_form(links.review_token(REF), REF.promotion, "3")


def test_every_flipped_bit_truncation_and_addition_is_refused():
    links = Links([NEW])
    token = links.review_token(REF)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

    changed = {token[:i] + c + token[i + 1 :] for i in range(len(token)) for c in alphabet} - {token}
    cut = {token[:i] for i in range(1, len(token))}
    added = {token + c for c in alphabet + "= %\n\0é"} | {f"{token}=", f" {token}", f".{token}"}
    for bad in changed | cut | added:
        with pytest.raises(TokenInvalid):
            links.open_review(bad)


@given(st.text(max_size=300))
def test_no_text_opens_or_breaks_anything(text):
    with pytest.raises((TokenInvalid, TokenMissing)):
        Links([NEW]).open_review(text)


def test_a_huge_token_is_refused_before_it_is_decoded():
    with pytest.raises(TokenInvalid):
        Links([NEW]).open_review("A" * 1_000_000)


def test_a_form_belongs_to_one_person_and_one_subject():
    clock = SetClock()
    links = Links([NEW], clock=clock)
    token = links.form_token("t/ana", "vote:x:1")

    links.check_form(token, "t/ana", "vote:x:1")
    with pytest.raises(TokenInvalid):
        links.check_form(token, "t/ben", "vote:x:1")
    with pytest.raises(TokenInvalid):
        links.check_form(token, "t/ana", "vote:x:2")
    clock.at = START + FORM_LIFE + timedelta(minutes=6)
    with pytest.raises(TokenExpired):
        links.check_form(token, "t/ana", "vote:x:1")


@pytest.mark.parametrize("keys", [[""], ["short"], [NEW, "short"]])
def test_weak_keys_are_refused_with_words(keys):
    with pytest.raises(Invalid, match="16 characters"):
        Links(keys)


def test_without_a_key_nothing_is_signed_or_opened_and_that_is_said():
    links = Links([])

    with pytest.raises(NoKey, match="GREENLIGHT_LINK_KEYS"):
        links.review_token(REF)
    with pytest.raises(NoKey, match="GREENLIGHT_LINK_KEYS"):
        links.open_review(Links([NEW]).review_token(REF))


def test_refusals_do_not_repeat_the_token():
    links = Links([NEW])
    token = links.review_token(REF)

    with pytest.raises(TokenInvalid) as caught:
        links.open_review(f"{token}x")

    assert token[:12] not in str(caught.value)


# ---- keys that have a last day


DATED = f"{OLD};until=2026-11-21"
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_key_signs_and_opens_up_to_the_end_of_its_last_day():
    clock = SetClock(MIDNIGHT - timedelta(seconds=1))
    links = Links([DATED], clock=clock)
    token = links.review_token(REF)

    assert links.open_review(token) == REF
    clock.at = MIDNIGHT
    with pytest.raises(TokenExpired, match="no longer in force"):
        links.open_review(token)
    with pytest.raises(Unavailable, match="no link key is in force"):
        links.review_token(REF)
    with pytest.raises(TokenInvalid):
        links.open_review(token[:-4])


def test_the_newest_key_in_force_signs():
    clock = SetClock(MIDNIGHT)

    assert Links([OLD], clock=clock).open_review(Links([f"{NEW};until=2026-11-20", OLD]).review_token(REF))
    assert Links([NEW, DATED], clock=clock).open_review(Links([NEW], clock=clock).review_token(REF)) == REF


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-30", "21.11.2026"])
def test_a_last_day_that_is_none_is_said_without_the_key(day):
    with pytest.raises(Invalid, match="write the last day") as wrong:
        Links([f"{NEW};until={day}"])

    assert NEW not in str(wrong.value)
