"""TwinScoring: the router in front of twin workspaces' endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable

from shared.ports import Answer
from shared.scoring import checked_host
from simulation.twins.faults import Faults
from simulation.twins.online import TwinDeployment, TwinEndpoint
from simulation.twins.workspace import TwinWorkspace

Model = Callable[[bytes], Answer]


def predicts(values: list[object], seconds: float = 0.02) -> Model:
    """A model that answers the same to everything."""
    return lambda _body: Answer(
        200, json.dumps(values).encode(), {"content-type": "application/json"}, seconds
    )


def answers(status: int, text: str = "", seconds: float = 0.02) -> Model:
    """A model that fails in one way."""
    return lambda _body: Answer(status, text.encode(), {}, seconds)


class TwinScoring:
    """Satisfies `ScoringPort`. `models` says how a (name, version) answers, everywhere or, with a third
    part, at one endpoint; a healthy constant by default."""

    def __init__(self, *workspaces: TwinWorkspace) -> None:
        self._workspaces = workspaces
        self.models: dict[tuple[str, ...], Model] = {}
        self.faults = Faults(workspaces[0].clock)
        self.served: list[tuple[str, str]] = []
        self._turn = 0

    def score(
        self, uri: str, key: str, body: bytes, *, deployment: str | None, timeout: float, request_id: str
    ) -> Answer:
        return self.faults.around("score", lambda: self._score(uri, key, body, deployment))

    def _score(self, uri: str, key: str, body: bytes, deployment: str | None) -> Answer:
        suffix = self._workspaces[0].online.region.suffix
        name = checked_host(uri, suffix).removesuffix(f".{suffix}")
        endpoint = next((e for w in self._workspaces if (e := w.online.find(name))), None)
        if endpoint is None:
            return _error(404, "no such endpoint")
        if key != endpoint.key:
            return _error(401, "key_auth_access_denied")
        chosen = self._choose(endpoint, deployment)
        if chosen is None:
            return _error(404, "no deployment to serve this request")
        self.served.append((endpoint.name, chosen.name))
        anywhere = self.models.get(chosen.model, predicts([0]))
        answer = self.models.get((*chosen.model, endpoint.name), anywhere)(body)
        headers = dict(answer.headers) | {"azureml-model-deployment": chosen.name}
        if answer.status >= 400:
            headers["ms-azureml-model-error-statuscode"] = str(answer.status)
            return Answer(424, answer.body, headers, answer.seconds)
        return Answer(answer.status, answer.body, headers, answer.seconds)

    def _choose(self, endpoint: TwinEndpoint, named: str | None) -> TwinDeployment | None:
        now = self._workspaces[0].clock.now()
        ready = {
            n: d
            for n, d in endpoint.deployments.items()
            if d.state in ("Succeeded", "Updating") and (d.routed is None or d.routed <= now)
        }
        if named is not None:
            return ready.get(named.lower())
        self._turn = (self._turn + 37) % 100  # visits every percent once in 100 calls
        upto = 0
        for name, weight in sorted(endpoint.traffic.items()):
            upto += weight
            if self._turn < upto:
                return ready.get(name)
        return None


def _error(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"error": {"message": message}}).encode(), {}, 0.001)
