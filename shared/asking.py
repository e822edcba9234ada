"""Single requests that no SDK of ours has a call for: to ARM, storage, the app itself, a webhook.

Nothing is repeated and no redirect is followed. Any HTTP status is an answer; no answer is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from shared.errors import Invalid, Unavailable, Unknown
from shared.failures import may_have_arrived, translated
from shared.ports import Answer

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_CONNECT_SECONDS = 5.0


class Ask(Protocol):
    """One request. `scope`: whose token goes with it; empty: none. Raises Invalid, Unavailable or Unknown."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer: ...


class Asking:
    """Satisfies `Ask`."""

    def __init__(self, credential: TokenCredential, *, timeout: float) -> None:
        self._credential = credential
        self._timeout = timeout
        self._kept = threading.local()

    def token(self, scope: str) -> str:
        with translated("sign in"):
            return self._credential.get_token(scope).token

    def __call__(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        import requests

        # One session in each thread: connections are kept, and never shared.
        session: requests.Session | None = getattr(self._kept, "session", None)
        if session is None:
            session = self._kept.session = requests.Session()
        signed = {"Authorization": f"Bearer {self.token(scope)}"} if scope else {}
        where = urlsplit(url).hostname or "?"
        try:
            answer = session.request(
                method,
                url,
                headers={"Accept": "application/json", **(headers or {}), **signed},
                data=body,
                timeout=(min(_CONNECT_SECONDS, self._timeout), self._timeout),
                allow_redirects=False,
            )
        except requests.Timeout:  # `from None` throughout: an address may hold a secret
            raise Unknown(f"{where} did not answer within {self._timeout:g} s") from None
        except requests.ConnectionError as error:
            if may_have_arrived(error):
                raise Unknown(f"{where} broke the connection off") from None
            raise Unavailable(f"no connection to {where}") from None
        except requests.RequestException as error:
            raise Invalid(f"the address of {where} is not usable: {type(error).__name__}") from None
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, answer.content, told, answer.elapsed.total_seconds())
