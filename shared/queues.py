"""Storage queues: plain JSON text, by identity. Messages are hints, never facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.store import translated

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.queue import QueueClient, QueueServiceClient

WAKES = "wakes"
APPROVAL_REQUESTS = "approval-requests"
APPROVAL_DECISIONS = "approval-decisions"
QUEUES = (WAKES, APPROVAL_REQUESTS, APPROVAL_DECISIONS)
MAX_BYTES = 64 * 1024


class QueuePort(Protocol):
    """Sends text to a queue by name."""

    def send(self, queue: str, text: str, *, delay: float = 0.0) -> None:
        """`delay` in seconds (whole ones: rounded up) until the message becomes visible, at most 7 days."""
        ...

    def check(self, queue: str) -> None:
        """Does it answer? Raises what shared.errors says when it does not."""
        ...


class AzureQueues:
    """QueuePort on Azure Queue storage (or Azurite)."""

    def __init__(self, endpoint: str, credential: TokenCredential, *, deadline: float = 20.0) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._deadline = deadline
        self._service: QueueServiceClient | None = None
        self._queues: dict[str, QueueClient] = {}

    def send(self, queue: str, text: str, *, delay: float = 0.0) -> None:
        try:
            self._queue(queue).send_message(
                text, visibility_timeout=max(0, -int(-delay // 1)), time_to_live=-1
            )
        except Exception as error:
            raise translated(error, f"send to queue {queue}") from error

    def check(self, queue: str) -> None:
        try:
            self._queue(queue).get_queue_properties()
        except Exception as error:
            raise translated(error, f"look at queue {queue}") from error

    def _queue(self, name: str) -> QueueClient:
        if self._service is None:
            from azure.storage.queue import QueueServiceClient

            self._service = QueueServiceClient(
                self._endpoint,
                credential=self._credential,
                retry_total=2,
                connection_timeout=self._deadline / 2,
                read_timeout=self._deadline,
            )
        if name not in self._queues:
            self._queues[name] = self._service.get_queue_client(name)
        return self._queues[name]
