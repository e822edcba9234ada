"""Requests and answers as frozen values: the web side knows no framework.

Every answer leaves through `secured`, so no page can forget a header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.errors import Invalid

MAX_BODY = 64 * 1024
MAX_URL = 16 * 1024
_MAX_FIELDS = 40
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, kw_only=True)
class WebRequest:
    """One HTTP request. Header names are lower case; path segments are decoded one by one."""

    method: str
    segments: tuple[str, ...]
    path: str = "/"
    """As it was written, for sign-in to come back to."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @staticmethod
    def of(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> WebRequest:
        """From what any server hands over. Raises Invalid when the address is not usable."""
        parts = urlsplit(url[: MAX_URL + 1])
        try:
            query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        except ValueError as error:
            raise Invalid("too many query parameters") from error
        if len(url) > MAX_URL:
            raise Invalid("the address is too long")
        return WebRequest(
            method=method.upper(),
            segments=tuple(unquote(s) for s in parts.path.split("/") if s),
            path=parts.path or "/",
            query=query,
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
        )

    @property
    def wants_html(self) -> bool:
        return "text/html" in self.headers.get("accept", "")

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def from_elsewhere(self) -> bool:
        """Did a browser send this from another site? (`Origin` is `null` under our referrer policy.)"""
        return self.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")

    def form(self) -> dict[str, str]:
        """Fields of a posted form, each at most once. Raises Invalid."""
        if self.content_type != "application/x-www-form-urlencoded":
            raise Invalid("send this as a form")
        try:
            text = self.body.decode("utf-8")
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
        except ValueError as error:
            raise Invalid("the form cannot be read") from error
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Invalid("the form names a field twice")
        return fields

    def json(self) -> dict[str, Any]:
        """The posted JSON object. Raises Invalid."""
        if self.content_type != "application/json":
            raise Invalid("send this as application/json")
        try:
            data: Any = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Invalid("the body is not JSON") from error
        if not isinstance(data, dict):
            raise Invalid("the body must be a JSON object")
        return data  # pyright: ignore[reportUnknownVariableType] -- keys of a JSON object are text


@dataclass(frozen=True, kw_only=True)
class WebResponse:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "application/octet-stream")


def page(html: str, status: int = 200, **headers: str) -> WebResponse:
    return WebResponse(
        status=status, body=html.encode(), headers={"Content-Type": "text/html; charset=utf-8", **headers}
    )


def data(value: object, status: int = 200, **headers: str) -> WebResponse:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return WebResponse(
        status=status,
        body=text.encode(),
        headers={"Content-Type": "application/json; charset=utf-8", **headers},
    )


def problem(status: int, code: str, message: str, **headers: str) -> WebResponse:
    """The one shape of an error in JSON."""
    return data({"error": {"code": code, "message": message}}, status, **headers)


def secured(response: WebResponse, *, head: bool = False) -> WebResponse:
    """What every answer carries; an answer may only make caching looser, for static files."""
    html = response.content_type.startswith("text/html")
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _PAGE_POLICY if html else _DATA_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
        **response.headers,
    }
    return replace(response, headers=headers, body=b"" if head else response.body)
