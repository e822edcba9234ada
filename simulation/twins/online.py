"""Online endpoints of the workspace twin: long-running operations that ripen with the clock, and refusals.

One operation at a time per endpoint, its deployments included. After a traffic write settled there may be a
stale window: the endpoint reads Succeeded with its old weights, and refuses writes, as the platform does.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import Busy, Conflict, NotFound, Refused
from shared.ports import Deployment, Endpoint
from simulation.twins.clock import TwinClock

IN_FLIGHT = ("Creating", "Updating", "Deleting")


@dataclass(frozen=True)
class Seconds:
    """How long the platform takes."""

    endpoint: float = 2.0
    deployment: float = 20.0
    traffic: float = 1.0
    deletion: float = 5.0
    stale: float = 0.0
    routed: float = 0.0  # after a deployment has succeeded, until the router knows it: 404 before


@dataclass
class Region:
    """Endpoint names are host names: one owner per region, whatever the case. Shared by workspaces."""

    suffix: str = "westeurope.inference.ml.azure.com"
    owners: dict[str, str] = field(default_factory=dict)


@dataclass
class TwinDeployment:
    name: str
    model: tuple[str, str]
    instance_type: str
    instance_count: int
    tags: dict[str, str]
    state: str
    ripe: datetime
    operation: str
    error: str = ""  # what it will end with; empty: Succeeded
    routed: datetime | None = None  # from when requests reach it

    home: str = ""  # the registry that its model is of; empty: the workspace

    def seen(self, operations: Mapping[str, str], home: str = "") -> Deployment:
        told = self.state == "Failed" and operations.get(self.name) == self.operation
        return Deployment(
            self.name,
            self.state,
            self.model if self.home == home else None,
            self.instance_type,
            self.instance_count,
            dict(self.tags),
            self.error if told else "",
        )


@dataclass
class TwinEndpoint:
    name: str
    tags: dict[str, str]
    auth_mode: str
    key: str
    state: str
    ripe: datetime
    traffic: dict[str, int] = field(default_factory=dict)
    mirror: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)  # the weights a stale read still shows
    error: str = ""
    deployments: dict[str, TwinDeployment] = field(default_factory=dict)


class Online:
    """The endpoints of one workspace and the rules of their platform."""

    def __init__(self, workspace: str, clock: TwinClock, region: Region, seconds: Seconds) -> None:
        self._workspace = workspace
        self._clock = clock
        self.region = region
        self.seconds = seconds
        self._endpoints: dict[str, TwinEndpoint] = {}
        self.operations = itertools.count(1)

    def find(self, name: str) -> TwinEndpoint | None:
        endpoint = self._endpoints.get(name.lower())
        return None if endpoint is None or self._gone(endpoint) else endpoint

    def all(self) -> list[TwinEndpoint]:
        return [found for name in sorted(self._endpoints) if (found := self.find(name)) is not None]

    def get(self, name: str) -> TwinEndpoint:
        found = self.find(name)
        if found is None:
            raise NotFound(f"endpoint {name} does not exist in {self._workspace}")
        return found

    def see(self, endpoint: TwinEndpoint) -> Endpoint:
        """Work on one of its deployments shows on the endpoint, too."""
        traffic = endpoint.before if self._stale(endpoint) else endpoint.traffic
        working = any(d.state in IN_FLIGHT for d in endpoint.deployments.values())
        return Endpoint(
            endpoint.name,
            "Updating" if working and endpoint.state == "Succeeded" else endpoint.state,
            f"https://{endpoint.name}.{self.region.suffix}/score",
            dict(traffic),
            dict(endpoint.mirror),
            dict(endpoint.tags),
            endpoint.auth_mode,
        )

    def create_endpoint(self, name: str, tags: Mapping[str, str], auth_mode: str, error: str) -> str:
        owner = self.region.owners.get(name.lower())
        if owner is not None and owner != self._workspace:
            raise Refused(f"the name {name} is taken in this region", code="NameUnavailable")
        if auth_mode not in ("key", "aml_token", "aad_token"):
            raise Refused(f"auth mode {auth_mode!r}", code="ValidationException")
        existing = self.find(name)
        if existing is not None:
            _taken(f"endpoint {name}", existing.state, "EndpointExists")
        self.region.owners[name.lower()] = self._workspace
        self._endpoints[name.lower()] = TwinEndpoint(
            name,
            dict(tags),
            auth_mode,
            f"key-{name}",
            "Creating",
            self._in(self.seconds.endpoint),
            error=error,
        )
        return self._operation()

    def write_traffic(
        self,
        name: str,
        weights: Mapping[str, int],
        tags: Mapping[str, str],
        expect: Mapping[str, int] | None = None,
        mirror: Mapping[str, int] | None = None,
    ) -> str:
        endpoint = self.get(name)
        if expect is not None and self.see(endpoint).traffic != {
            k.lower(): w for k, w in expect.items() if w
        }:
            raise Conflict(f"traffic of {name} is not {dict(expect)}: somebody else moved it")
        self._at_rest(endpoint)
        if endpoint.state == "Failed":
            raise Refused(f"endpoint {name} has failed", code="BadArgument")
        wanted = {k.lower(): w for k, w in weights.items() if w}
        if any(w < 0 for w in wanted.values()) or sum(wanted.values()) not in (0, 100):
            raise Refused(f"traffic {wanted} must sum to 0 or 100", code="BadArgument")
        for deployment in wanted:
            found = endpoint.deployments.get(deployment)
            if found is None or found.state != "Succeeded":
                raise Refused(f"traffic names {deployment}, which cannot serve", code="BadArgument")
        copies = {k.lower(): share for k, share in (mirror or {}).items() if share}
        if len(copies) > 1 or any(not 0 < share <= 50 or wanted.get(k) for k, share in copies.items()):
            raise Refused(f"mirror {copies}: one idle deployment, at most 50", code="BadArgument")
        for deployment in copies:
            if deployment not in endpoint.deployments:
                raise Refused(f"mirror names {deployment}, which is not there", code="BadArgument")
        endpoint.before = endpoint.traffic
        endpoint.traffic, endpoint.mirror, endpoint.tags = wanted, copies, dict(tags)
        endpoint.state, endpoint.ripe = "Updating", self._in(self.seconds.traffic)
        return self._operation()

    def create_deployment(self, endpoint_name: str, made: TwinDeployment) -> str:
        endpoint = self.get(endpoint_name)
        existing = endpoint.deployments.get(made.name.lower())
        if existing is not None:
            _taken(f"deployment {made.name}", existing.state, "DeploymentExists")
        self._at_rest(endpoint)
        if endpoint.state == "Failed":
            raise Refused(f"endpoint {endpoint_name} has failed", code="BadArgument")
        if made.instance_count < 1:
            raise Refused("instance count must be at least 1", code="BadArgument")
        made.state, made.ripe = "Creating", self._in(self.seconds.deployment)
        made.routed = made.ripe + timedelta(seconds=self.seconds.routed)
        made.operation = self._operation()
        endpoint.deployments[made.name.lower()] = made
        return made.operation

    def delete_deployment(self, endpoint_name: str, name: str) -> str:
        endpoint = self.find(endpoint_name)
        deployment = endpoint.deployments.get(name.lower()) if endpoint else None
        if endpoint is None or deployment is None:
            return ""
        self._at_rest(endpoint)
        if endpoint.traffic.get(name.lower()) or endpoint.mirror.get(name.lower()):
            raise Refused(f"{name} has traffic and cannot be deleted", code="BadArgument")
        deployment.state, deployment.ripe = "Deleting", self._in(self.seconds.deletion)
        return self._operation()

    def delete_endpoint(self, name: str) -> str:
        endpoint = self.find(name)
        if endpoint is None:
            return ""
        self._at_rest(endpoint)
        endpoint.state, endpoint.ripe = "Deleting", self._in(self.seconds.deletion)
        return self._operation()

    def _at_rest(self, endpoint: TwinEndpoint) -> None:
        moving = [endpoint.state, *(d.state for d in endpoint.deployments.values())]
        if any(state in IN_FLIGHT for state in moving) or self._stale(endpoint):
            raise Busy(f"endpoint {endpoint.name} is in an operation", after=1.0)

    def _stale(self, endpoint: TwinEndpoint) -> bool:
        if endpoint.state == "Updating":
            return True
        return self._clock.now() < endpoint.ripe + timedelta(seconds=self.seconds.stale)

    def _gone(self, endpoint: TwinEndpoint) -> bool:
        """Whether its deletion has ended. Other operations that have ended by now show in its states."""
        now = self._clock.now()
        if endpoint.state in IN_FLIGHT and endpoint.ripe <= now:
            if endpoint.state == "Deleting":
                del self._endpoints[endpoint.name.lower()]
                self.region.owners.pop(endpoint.name.lower(), None)
                return True
            endpoint.state = "Failed" if endpoint.error else "Succeeded"
        for deployment in list(endpoint.deployments.values()):
            if deployment.state in IN_FLIGHT and deployment.ripe <= now:
                if deployment.state == "Deleting":
                    del endpoint.deployments[deployment.name.lower()]
                    continue
                deployment.state = "Failed" if deployment.error else "Succeeded"
        return False

    def _in(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    def _operation(self) -> str:
        return f"https://management.azure.com/operations/{self._workspace}/{next(self.operations)}"


def _taken(what: str, state: str, code: str) -> None:
    """A name that is going may be had later; any other one never."""
    if state == "Deleting":
        raise Busy(f"{what} is being deleted", after=1.0)
    raise Refused(f"{what} exists already", code=code)
