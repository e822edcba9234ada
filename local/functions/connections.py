"""Storage accounts by connection name, shared by all triggers and outputs; sends what functions put out."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from local.functions import bindings, settings
from local.functions.queue_client import QueueService

if TYPE_CHECKING:
    from local.functions.app import Binding, LoadedFunction


class Connections:
    """`base64`: how queue messages are encoded (host.json's messageEncoding)."""

    def __init__(self, *, base64_encoded: bool) -> None:
        self._base64 = base64_encoded
        self._services: dict[str, QueueService] = {}

    def of(self, function: LoadedFunction, binding: Binding) -> tuple[QueueService, str]:
        """The account and the queue that a binding names."""
        connection = binding.properties.get("connection") or "AzureWebJobsStorage"
        if connection not in self._services:
            self._services[connection] = QueueService(connection)
        name = settings.expand(binding.properties["queueName"], f"{function.name}: queueName")
        return self._services[connection], name.lower()

    async def send(self, function: LoadedFunction, values: dict[str, Any]) -> None:
        """Put what a function returned or set on its queue outputs."""
        for binding in function.outputs:
            value = values.get(binding.name)
            if binding.type != "queue" or value is None:
                continue
            service, name = self.of(function, binding)
            for text in bindings.messages(bindings.encode(binding, value)):
                await service.queue(name).put(
                    base64.b64encode(text.encode()).decode() if self._base64 else text
                )

    def close(self) -> None:
        for service in self._services.values():
            service.close()
