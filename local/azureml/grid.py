"""What ARM shows of Event Grid: system topics with the subscriptions in force, and Greenlight's own topic.

Event Grid's own process keeps the subscriptions; they are read from its file as they are now.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local import faults
from local.azureml.refusals import Refusal
from local.config import REGION, SUBSCRIPTION, SUFFIX, TENANT

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.config import LocalConfig, Workspace

JSON = dict[str, Any]
PROVIDER = "Microsoft.EventGrid"
TOPIC_TYPE = "Microsoft.MachineLearningServices.Workspaces"
OWN_TOPIC = "greenlight"
OWN_ENDPOINT = f"https://{OWN_TOPIC}.{REGION}-1.eventgrid.{SUFFIX}/api/events"


def own_topic_id() -> str:
    """As infra/modules/own-topic.bicep makes it, in Greenlight's group."""
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-greenlight/providers/{PROVIDER}/topics/{OWN_TOPIC}"
    )


def topic_name(workspace: Workspace) -> str:
    """As infra/events.bicep calls it."""
    return f"greenlight-{workspace.name}"


def topic_id(workspace: Workspace, name: str) -> str:
    group = f"/subscriptions/{workspace.subscription}/resourceGroups/{workspace.resource_group}"
    return f"{group}/providers/{PROVIDER}/systemTopics/{name}"


def topic_principal(workspace: Workspace) -> str:
    """Object id of the topic's own identity."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, topic_id(workspace, topic_name(workspace))))


class Grid:
    """Reads only: `az eventgrid system-topic [event-subscription] list|show`, `az eventgrid topic list`."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config

    def routes(self) -> list[Route]:
        subscription = "/subscriptions/{subscription}"
        topic = f"{subscription}/resourceGroups/{{group}}/providers/{PROVIDER}/systemTopics/{{topic}}"
        return [
            Route(f"{subscription}/providers/{PROVIDER}/systemTopics", self._topics),
            Route(f"{subscription}/providers/{PROVIDER}/topics", self._own_topics),
            Route(topic, self._topic),
            Route(f"{topic}/eventSubscriptions", self._subscriptions),
            Route(f"{topic}/eventSubscriptions/{{name}}", self._subscription),
        ]

    async def _topics(self, request: Request) -> Response:
        near = f"/subscriptions/{request.path_params['subscription'].lower()}/"
        return JSONResponse({"value": [t for t in self._all().values() if t["id"].startswith(near)]})

    async def _own_topics(self, request: Request) -> Response:
        mine = request.path_params["subscription"].lower() == SUBSCRIPTION
        return JSONResponse({"value": [_own_topic()] if mine else []})

    async def _topic(self, request: Request) -> Response:
        return JSONResponse(self._named(request))

    async def _subscriptions(self, request: Request) -> Response:
        return JSONResponse({"value": list(self._of(self._named(request)).values())})

    async def _subscription(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = self._of(self._named(request)).get(name)
        if found is None:
            raise Refusal(404, "ResourceNotFound", f"Event subscription {name} was not found.")
        return JSONResponse(found)

    def _named(self, request: Request) -> JSON:
        name = request.path_params["topic"]
        found = self._all().get(name.lower())
        if found is None:
            raise Refusal(404, "ResourceNotFound", f"System topic {name} was not found.")
        return found

    def _all(self) -> dict[str, JSON]:
        """One of the first workspace, which is subscribed to; a fault rule makes a second one."""
        workspace = self.config.workspaces[0]
        names = [topic_name(workspace)]
        rule = faults.take(self.config, "system_topics", workspace=workspace.env)
        if rule:
            names.append(str(rule["second"]))
        return {name.lower(): self._shown(workspace, name) for name in names}

    def _shown(self, workspace: Workspace, name: str) -> JSON:
        return {
            "id": topic_id(workspace, name),
            "name": name,
            "type": f"{PROVIDER}/systemTopics",
            "location": REGION,
            "tags": {},
            "identity": {
                "type": "SystemAssigned",
                "principalId": topic_principal(workspace),
                "tenantId": TENANT,
            },
            "properties": {
                "provisioningState": "Succeeded",
                "source": workspace.id,
                "topicType": TOPIC_TYPE,
                "metricResourceId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            },
        }

    def _of(self, topic: JSON) -> dict[str, JSON]:
        """Subscriptions of the local Event Grid name their workspace; all of them are on its one topic."""
        workspace = self.config.workspaces[0]
        path = self.config.home / "eventgrid" / "subscriptions.json"
        known: dict[str, JSON] = json.loads(path.read_text()) if path.exists() else {}
        mine = topic["name"] == topic_name(workspace)
        return {
            name: {
                "id": f"{topic['id']}/eventSubscriptions/{name}",
                "name": name,
                "type": f"{PROVIDER}/systemTopics/eventSubscriptions",
                "properties": {**_told(properties), "topic": topic["id"]},
            }
            for name, properties in known.items()
            if mine and properties.get("topic") == workspace.name
        }


def _own_topic() -> JSON:
    return {
        "id": own_topic_id(),
        "name": OWN_TOPIC,
        "type": f"{PROVIDER}/topics",
        "location": REGION,
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "endpoint": OWN_ENDPOINT,
            "inputSchema": "CloudEventSchemaV1_0",
            "disableLocalAuth": True,
            "minimumTlsVersionAllowed": "1.2",
            "publicNetworkAccess": "Enabled",
            "metricResourceId": str(uuid.uuid5(uuid.NAMESPACE_URL, OWN_TOPIC)),
        },
    }


def _told(properties: JSON) -> JSON:
    """A webhook's whole address is a secret: ARM shows where it begins."""
    destination = properties["destination"]
    if destination["endpointType"] != "WebHook":
        return properties
    base = str(destination["properties"]["endpointUrl"]).partition("?")[0]
    return {**properties, "destination": {**destination, "properties": {"endpointBaseUrl": base}}}
