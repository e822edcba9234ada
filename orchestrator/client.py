"""The JSON API as the CLI speaks it: one call in, a dict or an error with words out.

The token is GREENLIGHT_TOKEN if it is set, else what azure-identity gets for whoever is signed in.
It is never printed and never sent in the clear to another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlencode, urlsplit

from shared.errors import Forbidden, GreenlightError, Invalid, NotFound, Refused, Unavailable, Unknown
from shared.untrusted import visible

DEFAULT_SCOPE: Final = "api://greenlight/.default"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TIMEOUT = 30.0


class NotSignedIn(Forbidden):
    """No token, or one that the server does not take."""


class Client:
    """Calls one Greenlight. `token` is asked for once, at the first call."""

    def __init__(self, base_url: str, token: Callable[[], str]) -> None:
        self._base = _checked(base_url)
        self._token = token
        self._cached = ""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        asked = {name: value for name, value in query.items() if value}
        return self._call("GET", f"{path}?{urlencode(asked)}" if asked else path)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def pages(
        self, path: str, items: str, most: int, *, unread: list[str] | None = None, **query: str
    ) -> Iterator[dict[str, Any]]:
        """Items of a list, page after page, at most `most`. `unread` takes what is said of broken rows."""
        cursor, seen = query.pop("cursor", ""), 0
        while True:
            page = self.get(path, cursor=cursor, **query)
            if unread is not None:
                unread += page["unreadable"]
            for item in page[items]:
                if seen == most:
                    return
                yield item
                seen += 1
            cursor = page["cursor"] or ""
            if not cursor:
                return

    def listed(
        self, path: str, items: str, most: int, **query: str
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The same as one list, and what the first page said besides."""
        first = self.get(path, **query)
        found: list[dict[str, Any]] = first[items][:most]
        if first["cursor"]:
            found += self.pages(path, items, most - len(found), unread=None, cursor=first["cursor"], **query)
        return found, first

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        import requests

        self._cached = self._cached or self._token()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._cached}"}
        try:
            answer = requests.request(
                method,
                f"{self._base}{path}",
                json=body,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except requests.Timeout:
            raise Unknown(f"{self._base} did not answer within {_TIMEOUT:g} s") from None
        except requests.RequestException as error:
            raise Unavailable(f"{self._base} cannot be reached ({type(error).__name__})") from None
        return _read(answer.status_code, _json(answer.content), self._base)


def at(*segments: str) -> str:
    """A path from parts, each one segment whatever it contains."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def token_of(environ: Mapping[str, str]) -> str:
    """Raises NotSignedIn, saying both ways to sign in."""
    given = environ.get("GREENLIGHT_TOKEN", "").strip()
    if given:
        return given
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError, DefaultAzureCredential

    scope = environ.get("GREENLIGHT_API_SCOPE", "") or DEFAULT_SCOPE
    try:
        return DefaultAzureCredential().get_token(scope).token
    except (ClientAuthenticationError, CredentialUnavailableError) as error:
        raise NotSignedIn(
            "not signed in: run `az login`, or put a token into GREENLIGHT_TOKEN "
            f"(asked for scope {scope}; GREENLIGHT_API_SCOPE changes it)"
        ) from error


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url)
    if not base_url:
        raise Invalid("GREENLIGHT_BASE_URL is not set: give the address of Greenlight, or use --url")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{base_url[:200]!r} is not an http(s) address")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Invalid("a token is sent to another machine over https only")
    return base_url.rstrip("/")


def _json(content: bytes) -> dict[str, Any]:
    import json

    try:
        found: object = json.loads(content)
    except ValueError:
        found = None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _read(status: int, data: dict[str, Any], base: str) -> dict[str, Any]:
    if 200 <= status < 300 and data:
        return data
    error = cast("dict[str, Any]", data.get("error") or {})
    message = visible(error.get("message") or f"{base} answered {status}", 500)
    code = str(error.get("code") or status)
    raise _error(status, code, message)


def _error(status: int, code: str, message: str) -> GreenlightError:
    if status == 401 or 300 <= status < 400:  # a sign-in page in the way redirects
        return NotSignedIn("the server does not take this token: sign in anew, or renew GREENLIGHT_TOKEN")
    if status == 404:
        return NotFound(message)
    if status in (403, 409):
        return Refused(message, code=code)
    if status == 400:
        return Invalid(message)
    return Unavailable(message)
