"""Ben answers in a ticket system: its bridge is the channel of greenlight.yaml, and signs for him."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from local.appsettings import bridge_key
from local.config import APP_ACCOUNT, PEOPLE, TENANT
from shared.channel_tokens import sign_vote
from shared.queues import APPROVAL_DECISIONS

if TYPE_CHECKING:
    from local.config import LocalConfig

CHANNEL, TICKETS = "bridge", "ben"


def answer(
    config: LocalConfig, promotion: dict[str, Any], decision: Literal["approve", "reject"], comment: str
) -> None:
    """One signed message on the queue, about the request that is open now."""
    request = promotion["requests"][-1]
    ben = next(p for p in PEOPLE if p.key == TICKETS)
    message = sign_vote(
        bridge_key(config),
        channel=CHANNEL,
        promotion=promotion["id"],
        number=request["k"],
        hash=request["hash"],
        voter=f"{TENANT}/{ben.oid}",
        decision=decision,
        comment=comment,
        now=datetime.now(UTC),
    )
    _send(config, message)


def _send(config: LocalConfig, message: str) -> None:
    from azure.storage.queue import QueueClient

    with QueueClient.from_connection_string(
        config.connection_string(APP_ACCOUNT),
        APPROVAL_DECISIONS,
        connection_verify=str(config.ca_bundle),
        use_env_settings=False,
    ) as queue:
        queue.send_message(message)
