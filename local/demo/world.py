"""What the story looks at: the workspaces through azure-ai-ml, the product's API, the Teams channel, the
endpoints through the router, and the router's own log of who answered.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx

from local import identity
from local.appsettings import ROOT
from local.demo import people
from local.demo.load import Load
from local.demo.waiting import check, wait

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import EndpointAuthKeys, Model

    from local.config import LocalConfig

REQUEST = ROOT / "ml" / "sample-request.json"
READER = "olu"  # any account may read
TIMEOUT = 30.0
LOG_SECONDS = 10.0
DEPLOYMENT = "azureml-model-deployment"


@dataclass(frozen=True)
class Endpoint:
    """One online endpoint as azure-ai-ml shows it."""

    name: str
    traffic: dict[str, int]  # without zeros
    tags: dict[str, str]
    deployments: dict[str, str]  # name -> provisioning state
    models: dict[str, str]  # name -> ARM id of the model it runs
    key: str


@dataclass(frozen=True)
class Scored:
    """An answer to the sample request, and who gave it."""

    status: int
    deployment: str
    rows: list[list[float]]


class World:
    def __init__(self, config: LocalConfig, model: str) -> None:
        self.config = config
        self.model = model
        self.logs = config.home / "logs"
        self._clients: dict[str, MLClient] = {}
        self._http = httpx.Client(trust_env=False, timeout=TIMEOUT)
        self._fences = itertools.count(1)

    def close(self) -> None:
        self._http.close()

    def log(self, service: str) -> str:
        return str(self.logs / f"{service}.log")

    # ---- Azure ML

    def workspace(self, env: str) -> MLClient:
        if env not in self._clients:
            self._clients[env] = people.connect(self.config, env)
        return self._clients[env]

    def registered(self, env: str, version: str) -> Model | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self.workspace(env).models.get(self.model, version)
        except ResourceNotFoundError:
            return None

    def versions(self, env: str) -> list[str]:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return sorted(str(m.version) for m in self.workspace(env).models.list(self.model))
        except ResourceNotFoundError:
            return []

    def endpoint(self, env: str) -> Endpoint | None:
        from azure.core.exceptions import ResourceNotFoundError

        client, name = self.workspace(env), self.endpoint_name(env)
        try:
            found = client.online_endpoints.get(name)
            deployments = list(client.online_deployments.list(name))
            keys = cast("EndpointAuthKeys", client.online_endpoints.get_keys(name))
        except ResourceNotFoundError:
            return None
        return Endpoint(
            name,
            {d: int(weight) for d, weight in (found.traffic or {}).items() if weight},
            {k: str(v) for k, v in (found.tags or {}).items()},
            {str(d.name): word(d.provisioning_state) for d in deployments},
            {str(d.name): str(d.model) for d in deployments},
            str(keys.primary_key),
        )

    def endpoint_name(self, env: str) -> str:
        return f"{self.model}-{env}"

    # ---- the product

    def get(self, path: str, **query: str) -> Any:
        token = identity.issue_token(self.config, READER)
        answer = self._http.get(
            f"{self.config.front_url}{path}", params=query, headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        seen = f"{answer.status_code}: {answer.text[:300]}"
        check(f"an answer to GET {path}", seen, self.log("functions"), holds=answer.is_success)
        return answer.json()

    def health(self) -> str:
        return str(self._http.get(f"{self.config.front_url}/healthz").json().get("status"))

    def promotion(self, env: str, version: str) -> dict[str, Any] | None:
        """The newest promotion of that version there, with everything the API tells."""
        rows = self.get("/api/promotions", model=self.model, env=env)["promotions"]
        found = next((p["id"] for p in rows if p["version"] == version), None)
        return self.get(f"/api/promotions/{found}")["promotion"] if found else None

    def slot(self, env: str) -> dict[str, Any] | None:
        rows = self.get("/api/slots", model=self.model, env=env)["slots"]
        return rows[0] if rows else None

    # ---- Teams

    def message(self, version: str, env: str) -> dict[str, Any] | None:
        """The message in the channel whose card asks about that version."""
        asked = f"{self.model} {version} waits for approval in {env}"
        answer = self._http.get(f"http://localhost:{self.config.port('teams')}/api/cards")
        posted = [m for m in answer.json()["cards"] if m["card"]]
        return next((m for m in posted if m["card"].get("fallbackText") == asked), None)

    def card(self, version: str, env: str) -> dict[str, Any] | None:
        message = self.message(version, env)
        return message["card"] if message else None

    # ---- scoring

    def weights(self, env: str) -> dict[str, int]:
        """How the router shares the endpoint's requests at this moment."""
        routes = self._http.get(f"http://127.0.0.1:{self.config.port('router_http')}/-/routes").json()[
            "routes"
        ]
        found = next((r for r in routes if r["endpoint"] == self.endpoint_name(env)), None)
        return {name: weight for name, weight in found["traffic"].items() if weight} if found else {}

    def score(self, endpoint: Endpoint, mark: str = "") -> Scored:
        """The sample request, sent as an application sends it: the endpoint chooses who answers."""
        answer = self._http.post(
            f"http://localhost:{self.config.port('router_http')}/{endpoint.name}/score",
            content=REQUEST.read_bytes(),
            headers={
                "Authorization": f"Bearer {endpoint.key}",
                "Content-Type": "application/json",
                **({"x-ms-client-request-id": mark} if mark else {}),
            },
        )
        rows = answer.json() if answer.is_success else []
        return Scored(answer.status_code, answer.headers.get(DEPLOYMENT, ""), rows)

    def load(self, endpoint: Endpoint) -> Load:
        return Load(self.config, endpoint.name, endpoint.key, REQUEST)

    def answered(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        """The router's log of this endpoint up to now, oldest first.

        The log is written a moment late. So a last request of our own goes through, and the log is complete
        when it shows that one.
        """
        mark = f"demo-fence-{next(self._fences)}"
        self.score(endpoint, mark)
        entries = wait(
            lambda: [e for e in self._access_log() if e.get("endpoint") == endpoint.name],
            lambda found: any(e.get("client_request_id") == mark for e in found),
            within=LOG_SECONDS,
            expected=f"request {mark} in the router's log",
            read=self.logs / "router-access.log",
        )
        return [e for e in entries if e.get("client_request_id") != mark]

    def _access_log(self) -> list[dict[str, Any]]:
        path = self.logs / "router-access.log"
        if not path.exists():
            return []
        whole, _, _half = path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]


def link_of(card: Any) -> str:
    """The address behind the card's button, wherever in the card it is."""
    if isinstance(card, dict):
        if card.get("type") == "Action.OpenUrl":
            return str(card["url"])
        return next((url for value in card.values() if (url := link_of(value))), "")
    if isinstance(card, list):
        return next((url for value in card if (url := link_of(value))), "")
    return ""


def word(status: object) -> str:
    """The SDK's enums print their own names; the platform's word is their value."""
    return str(getattr(status, "value", status))
