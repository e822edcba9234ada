"""Requests to endpoints, in threads: deliveries wait for slow endpoints without holding anything else up."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3

from local.eventgrid import retry

if TYPE_CHECKING:
    from collections.abc import Mapping

AT_ONCE = 32


@dataclass(frozen=True)
class Answer:
    """No status: the endpoint did not answer, and `outcome` says how."""

    status: int | None
    outcome: str
    headers: Mapping[str, str]
    body: bytes = b""


class Sender:
    """Connections are kept; a request may take as long as a late answer still counts."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delivery")
        self._pool = urllib3.PoolManager(maxsize=AT_ONCE)
        self._timeout = urllib3.Timeout(connect=retry.ANSWER_SECONDS, read=retry.LATE_SECONDS)

    async def send(self, method: str, url: str, headers: dict[str, str], body: str | None = None) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._send, method, url, headers, body)

    def _send(self, method: str, url: str, headers: dict[str, str], body: str | None) -> Answer:
        content = body.encode() if body is not None else None
        try:
            answer = self._pool.request(
                method,
                url,
                body=content,
                headers=headers,
                timeout=self._timeout,
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.NameResolutionError:
            return Answer(None, "ResolutionError", {})
        except urllib3.exceptions.NewConnectionError:  # a timeout to urllib3, whatever the reason
            return Answer(None, "SocketError", {})
        except urllib3.exceptions.TimeoutError:
            return Answer(None, "TimedOut", {})
        except (urllib3.exceptions.HTTPError, OSError):
            return Answer(None, "SocketError", {})
        return Answer(answer.status, retry.outcome(answer.status), answer.headers, answer.data)

    def close(self) -> None:
        """Requests that are still waiting for their endpoint are left to end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()
