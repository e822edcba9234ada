"""Who acts in the story: an approver with the API, and another system with the two approval queues.

Both do what people and systems do when the app is away for a moment: they try again.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx

from local import identity
from local.appsettings import bridge_key
from local.config import APP_ACCOUNT, PEOPLE, TENANT
from shared.channel_tokens import sign_vote

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient, QueueMessage

    from local.config import LocalConfig

TIMEOUT = 60.0
AWAY = frozenset({500, 502, 503, 504})
HIDE_SECONDS = 3  # what is for others comes back soon


class Api:
    """The JSON API through the front door, with a bearer token. None: the app is away."""

    def __init__(self, config: LocalConfig, person: str) -> None:
        self._config = config
        self._person = person
        self._http = httpx.Client(base_url=config.front_url, trust_env=False, timeout=TIMEOUT)

    def close(self) -> None:
        self._http.close()

    def slot(self, model: str, env: str) -> dict[str, Any] | None:
        found = self._ask("GET", "/api/slots", params={"model": model, "env": env})
        return found["slots"][0] if found and found["slots"] else None

    def promotion(self, model: str, env: str, version: str) -> dict[str, Any] | None:
        found = self._ask("GET", "/api/promotions", params={"model": model, "env": env})
        mine = next((p for p in found["promotions"] if p["version"] == version), None) if found else None
        whole = self._ask("GET", f"/api/promotions/{mine['id']}") if mine else None
        return whole["promotion"] if whole else None

    def vote(self, promotion: str, decision: str, seen: str) -> str | None:
        """What became of the vote: recorded or repeated."""
        body = {"decision": decision, "hash": seen, "comment": "as agreed"}
        said = self._ask("POST", f"/api/promotions/{promotion}/vote", json=body)
        return str(said["outcome"]) if said else None

    def command(self, path: str, reason: str, **more: str) -> bool:
        """Was it accepted, now or before?"""
        said = self._ask("POST", path, json={"reason": reason, **more})
        return bool(said) and said["outcome"] in ("accepted", "repeated")

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        token = identity.issue_token(self._config, self._person)
        try:
            answer = self._http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)
        except httpx.TransportError:
            return None
        if answer.status_code in AWAY or answer.status_code == httpx.codes.NOT_FOUND:
            return None
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()


class ApprovalSystem:
    """A system that reads `approval-requests` and answers on `approval-decisions`, for one model."""

    def __init__(self, config: LocalConfig, model: str) -> None:
        self._model = model
        self._requests = queue_client(config, "approval-requests")
        self._decisions = queue_client(config, "approval-decisions")
        self._key = bridge_key(config)
        self.received: list[dict[str, Any]] = []
        self.noticed: list[dict[str, Any]] = []
        """What became of it."""

    def close(self) -> None:
        self._requests.close()
        self._decisions.close()

    def request(self, version: str) -> dict[str, Any] | None:
        """The first request that came for that version."""
        self.read()
        return next((m for m in self.received if m["model_version"] == version), None)

    def read(self) -> None:
        """Everything that is on the queue now, however much of it is for others: a page is 32 at most."""
        others: set[str] = set()
        while page := self._page():
            for message in page:
                told = json.loads(message.content)
                if told["model"] == self._model:
                    self.received += [told] if told["kind"] == "approval.requested" else []
                    self.noticed += [told] if told["kind"] == "approval.noticed" else []
                    self._requests.delete_message(message)
            new = {message.id for message in page} - others
            if not new:
                return  # those that were hidden while we read come back: all of them were seen
            others |= new

    def _page(self) -> list[QueueMessage]:
        return list(
            self._requests.receive_messages(
                messages_per_page=32, max_messages=32, visibility_timeout=HIDE_SECONDS
            )
        )

    def answer(self, request: dict[str, Any], decision: Literal["approve", "reject"], person: str) -> None:
        who = next(p for p in PEOPLE if p.key == person)
        asked = request["request"]
        told = sign_vote(
            self._key,
            channel="bridge",
            promotion=asked["promotion"],
            number=asked["number"],
            hash=asked["hash"],
            voter=f"{TENANT}/{who.oid}",
            decision=decision,
            now=datetime.now(UTC),
        )
        self._decisions.send_message(told)


def cards(config: LocalConfig, model: str) -> list[dict[str, Any]]:
    """The cards on the Teams page about that model, oldest first."""
    found = httpx.get(f"http://localhost:{config.port('teams')}/api/cards", trust_env=False).json()["cards"]
    shown = sorted((c for c in found if c["card"]), key=lambda c: int(c["id"]))
    return [c["card"] for c in shown if str(c["card"].get("fallbackText")).startswith(f"{model} ")]


def queue_client(config: LocalConfig, name: str) -> QueueClient:
    from azure.storage.queue import QueueClient

    return QueueClient.from_connection_string(
        config.connection_string(APP_ACCOUNT),
        name,
        connection_verify=str(config.ca_bundle),
        use_env_settings=False,
    )
