"""ARM's manners: paths in any spelling, ids, who called, and the shapes that every resource shares."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse

from local.azureml.refusals import Refusal, malformed
from local.config import REGION, REGISTRY, LocalConfig, Workspace, subscription_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.azureml.callers import Caller
    from local.azureml.store import Record

JSON = dict[str, Any]

PROVIDER = "Microsoft.MachineLearningServices"
_WORKSPACE = re.compile(
    rf"(?P<before>/history/v1\.0|/mlflow/v[12]\.0)?/subscriptions/(?P<subscription>[^/]+)"
    rf"/resourcegroups/(?P<group>[^/]+)/providers/{re.escape(PROVIDER)}/workspaces/(?P<workspace>[^/]+)"
    r"(?P<rest>/.*|)",
    re.IGNORECASE,
)
_LOCATION = re.compile(
    rf"/subscriptions/(?P<subscription>[^/]+)/providers/{re.escape(PROVIDER)}/locations/[^/]+(?P<rest>/.*)",
    re.IGNORECASE,
)
REGISTRY_PLANE = re.compile(
    rf"/mferp/managementfrontend/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    rf"/providers/{re.escape(PROVIDER)}/registries/(?P<registry>[^/]+)(?P<rest>/.*|)",
    re.IGNORECASE,
)
_ASSIGNMENTS = re.compile(
    r"/subscriptions/.+/providers/Microsoft\.Authorization/roleAssignments", re.IGNORECASE
)
# ARM compares names of types and actions without case; routes are written in these spellings.
SEGMENTS = {
    word.lower(): word
    for word in (
        *("models", "versions", "data", "environments", "codes", "components", "datastores", "jobs"),
        *("onlineEndpoints", "deployments", "listKeys", "regenerateKeys", "token", "getLogs", "cancel"),
        *("listSecrets", "startPendingUpload", "default", "providers", "permissions"),
    )
}


def route_path(config: LocalConfig, path: str) -> str:
    """The emulator's own form of an ARM, run history or MLflow path: `/arm/{env}/…`, `/mlflow/{env}/…`."""
    if _ASSIGNMENTS.fullmatch(path):
        return "/roleAssignments"
    if match := _LOCATION.fullmatch(path):
        _check_subscription(config, match["subscription"])
        return f"/location/{match['subscription'].lower()}{match['rest']}"
    if match := REGISTRY_PLANE.fullmatch(path):
        return registry_path(match)
    match = _WORKSPACE.fullmatch(path)
    if match is None:
        return path
    found = _find(config, match["subscription"], match["group"], match["workspace"])
    if match["before"]:
        return f"/{match['before'].split('/')[1].lower()}/{found.env}{match['rest']}"
    return f"/arm/{found.env}{_canonical(match['rest'].rstrip('/'))}"


def registry_path(match: re.Match[str]) -> str:
    """Of a request to the registry's own plane: `/registry/…`, if it names our registry."""
    found = (match["subscription"], match["group"], match["registry"])
    ours = (REGISTRY.subscription, REGISTRY.resource_group, REGISTRY.name)
    if [each.lower() for each in found] != [each.lower() for each in ours]:
        raise Refusal(404, "RegistryNotFound", f"Registry {match['registry']} was not found.")
    return f"/registry{match['rest'].rstrip('/')}"


def _canonical(rest: str) -> str:
    """Types and actions stand at odd places, names between them are left alone."""
    parts = rest.split("/")
    return "/".join(SEGMENTS.get(p.lower(), p) if n % 2 else p for n, p in enumerate(parts))


def location(env: str) -> str:
    """Where the region's own resources are, in the subscription of this workspace."""
    return f"/subscriptions/{subscription_of(env)}/providers/{PROVIDER}/locations/{REGION}"


def _check_subscription(config: LocalConfig, subscription: str) -> None:
    if subscription.lower() not in {w.subscription for w in config.workspaces}:
        raise Refusal(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def _find(config: LocalConfig, subscription: str, group: str, name: str) -> Workspace:
    _check_subscription(config, subscription)
    near = [w for w in config.workspaces if w.subscription == subscription.lower()]
    groups = {w.resource_group.lower() for w in near}
    if group.lower() not in groups:
        raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    for workspace in near:
        if (workspace.resource_group.lower(), workspace.name.lower()) == (group.lower(), name.lower()):
            return workspace
    raise Refusal(
        404,
        "ResourceNotFound",
        f"The Resource '{PROVIDER}/workspaces/{name}' under resource group '{group}' was not found.",
    )


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def timestamp(moment: datetime.datetime) -> str:
    """Seven fractional digits, as .NET writes them."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def system_data(caller: Caller, before: JSON | None = None) -> JSON:
    """Who made it and who touched it last. The object id stands where the service puts a display name."""
    moment = timestamp(now())
    created = before or {"createdAt": moment, "createdBy": caller.oid, "createdByType": caller.kind}
    return {
        **{k: created[k] for k in ("createdAt", "createdBy", "createdByType")},
        "lastModifiedAt": moment,
        "lastModifiedBy": caller.oid,
        "lastModifiedByType": caller.kind,
    }


def shown(workspace: Workspace, type_: str, path: str, record: Record) -> JSON:
    """A resource as ARM answers it: the stored body under its id."""
    return {
        "id": f"{workspace.id}/{path}",
        "name": path.rsplit("/", 1)[1],
        "type": f"{PROVIDER}/workspaces/{type_}",
        **record.body,
    }


@dataclass(frozen=True)
class Call:
    """One request to a workspace, as a handler sees it."""

    request: Request
    workspace: Workspace
    caller: Caller

    def part(self, name: str) -> str:
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        """OData writes `$top`, some clients send it escaped, some in another case."""
        wanted = name.lower()
        return next((v for k, v in self.request.query_params.items() if k.lower() == wanted), None)

    def note(self, **facts: Any) -> None:
        """Add to what `GET /-/calls` shows of this request."""
        self.request.state.call.update(facts)

    async def body(self) -> JSON:
        try:
            value = await self.request.json()
        except ValueError as error:
            raise malformed(
                f"The request content was invalid and could not be deserialized: {error}"
            ) from None
        if not isinstance(value, dict):
            raise malformed("The request content is not a JSON object.")
        return value

    async def resource(self) -> tuple[JSON, JSON]:
        """The body and its `properties`, which every write of a resource must have."""
        body = await self.body()
        properties = body.get("properties")
        if not isinstance(properties, dict):
            raise malformed("The request content has no 'properties' object.")
        return body, properties


def paged(call: Call, values: list[JSON], size: int = 100) -> JSONResponse:
    """One page and where the next begins; `$skip` carries the position, as the service's skip tokens do."""
    start = int(call.query("$skip") or 0)
    top = call.query("$top")
    end = min(start + size, len(values), int(top) if top else len(values))
    answer: JSON = {"value": values[start:end]}
    if end < len(values) and not top:
        url = call.request.url
        query = {k: v for k, v in call.request.query_params.items() if k.lower() != "$skip"}
        path = call.request.scope["original_path"]
        answer["nextLink"] = f"https://{url.netloc}{path}?{urlencode({**query, '$skip': str(end)})}"
    return JSONResponse(answer)


def text_map(value: Any, field: str) -> dict[str, str]:
    """Tags and properties: flat maps of text. Numbers become text (the SDK sends one), a null is no entry."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(v, str | int | float | None) for v in value.values()
    ):
        raise malformed(f"'{field}' must be an object whose values are strings.")
    return {str(k): str(v) for k, v in value.items() if v is not None}
