"""Signed references to approval requests, and anti-forgery tokens for forms.

A review link proves only that Greenlight wrote it: it carries a promotion id and a request number, nothing
secret and no identity. Who decides is the signed-in person; the token merely leads them to the page.
A personal link also names one approver. It is an identity where nobody can sign in, so it is sent through the
channel of that person and nowhere else. Each purpose has its own salt: a token made for one is worthless for
another.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from shared.clock import Clock, SystemClock
from shared.errors import Invalid, Unavailable
from shared.link_keys import LinkKey
from shared.names import parse_promotion_id

REVIEW: Final = "greenlight.review.1"
PERSONAL: Final = "greenlight.personal.1"
FORM: Final = "greenlight.form.1"
REVIEW_LIFE = timedelta(days=60)
"""Longer than a request may wait: an ended request is better explained by its own page than by `expired`."""
FORM_LIFE = timedelta(hours=24)
SKEW = timedelta(minutes=5)
MAX_TOKEN = 8192
MIN_KEY = 16


class TokenMissing(Invalid):
    """No token was given."""


class TokenExpired(Invalid):
    """The token is genuine, and too old."""


class TokenInvalid(Invalid):
    """The token was not made by us for this purpose, or was changed on its way."""


@dataclass(frozen=True)
class RequestRef:
    """Which approval request: the promotion's id and the request's number within it."""

    promotion: str
    k: int
    person: str = ""
    """TENANT/OBJECT-ID of whom the link was sent to personally; empty: it is for everybody."""


class _Signer(TimestampSigner):
    """Takes its time from our clock, so that tests and demos age links with everything else."""

    def __init__(self, *args: Any, clock: Clock, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock.now().timestamp())


class NoKey(Unavailable):
    """No key is in force: nothing can be signed or opened until there is one."""

    def __init__(self) -> None:
        super().__init__("no link key is in force: put a new one into GREENLIGHT_LINK_KEYS")


class Links:
    """Makes and opens tokens. `keys` are newest first: the first in force signs, all in force verify."""

    def __init__(self, keys: Sequence[str], *, clock: Clock | None = None) -> None:
        """Without any key nothing can be signed or opened: that is said when it is tried."""
        parsed = [LinkKey.parse(key) for key in keys]
        if any(len(key.secret) < MIN_KEY for key in parsed):
            raise Invalid(f"link keys: each needs {MIN_KEY} characters or more, newest first")
        self._keys = list(reversed(parsed))  # itsdangerous wants oldest first
        self._clock = clock or SystemClock()

    def review_token(self, ref: RequestRef) -> str:
        return self._sign(REVIEW, [ref.promotion, ref.k])

    def personal_token(self, ref: RequestRef) -> str:
        """For `ref.person`'s eyes only. Two of them are never alike, whatever they are for."""
        return self._sign(PERSONAL, [ref.promotion, ref.k, ref.person, secrets.token_urlsafe(24)])

    def open_review(self, token: str) -> RequestRef:
        """The request a link leads to. Raises TokenMissing, TokenExpired or TokenInvalid."""
        try:
            payload = self._open(REVIEW, token, REVIEW_LIFE)
        except TokenInvalid:
            return self._open_personal(token)
        match payload:
            case [str(promotion), int(k)] if k > 0:
                parse_promotion_id(promotion)
                return RequestRef(promotion, k)
            case _:
                raise TokenInvalid("this link does not lead to an approval request")

    def _open_personal(self, token: str) -> RequestRef:
        match self._open(PERSONAL, token, REVIEW_LIFE):
            case [str(promotion), int(k), str(person), str(_)] if k > 0 and person:
                parse_promotion_id(promotion)
                return RequestRef(promotion, k, person)
            case _:
                raise TokenInvalid("this link does not lead to an approval request")

    def form_token(self, person: str, subject: str) -> str:
        """Anti-forgery token: this person was shown a form about this subject."""
        return self._sign(FORM, [person, subject])

    def check_form(self, token: str, person: str, subject: str) -> None:
        """Raises TokenMissing, TokenExpired, or TokenInvalid if it was made for someone or something else."""
        if self._open(FORM, token, FORM_LIFE) != [person, subject]:
            raise TokenInvalid("this form was made for someone else or for another request")

    def _sign(self, purpose: str, payload: list[Any]) -> str:
        """Raises NoKey without a key in force: cards wait until there is one, pages say why."""
        keys = self._of_age(in_force=True)
        if not keys:
            raise NoKey
        return str(_serializer(keys, purpose, self._clock).dumps(payload))

    def _open(self, purpose: str, token: str, life: timedelta) -> Any:
        if not token:
            raise TokenMissing("the token is missing")
        if len(token) > MAX_TOKEN or not _canonical(token):
            raise TokenInvalid("the token is not one of ours, or was changed on its way")
        if not self._keys:
            raise NoKey
        if opened := self._loaded(token, purpose, in_force=True):
            payload, signed_at = opened
            self._check_age(signed_at, life)
            return payload
        if self._loaded(token, purpose, in_force=False):
            raise TokenExpired("the token was signed with a key that is no longer in force")
        # The reason and the payload stay here: both would tell a forger more than an approver.
        raise TokenInvalid("the token is not one of ours, or was changed on its way")

    def _loaded(self, token: str, purpose: str, *, in_force: bool) -> tuple[Any, datetime] | None:
        keys = self._of_age(in_force=in_force)
        if not keys:
            return None
        try:
            payload, signed_at = _serializer(keys, purpose, self._clock).loads(token, return_timestamp=True)
        except BadData:
            return None
        return payload, signed_at

    def _of_age(self, *, in_force: bool) -> list[str]:
        now = self._clock.now()
        return [key.secret for key in self._keys if key.in_force(now) is in_force]

    def _check_age(self, signed_at: datetime, life: timedelta) -> None:
        age = self._clock.now() - signed_at
        if age < -SKEW:  # signed by a machine whose clock is further off than we accept
            raise TokenInvalid("the token was signed in the future")
        if age > life + SKEW:
            raise TokenExpired("the token is too old")


def _serializer(keys: list[str], purpose: str, clock: Clock) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        keys,
        salt=purpose,
        signer=_Signer,
        signer_kwargs={"clock": clock, "digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _canonical(token: str) -> bool:
    """Base64 has spare bits and ignores foreign characters: without this, several texts pass as one token."""
    signature = token.rpartition(".")[2]
    try:
        return token.isascii() and base64_encode(base64_decode(signature)).decode() == signature
    except BadData:
        return False
