"""What the control plane asks of a workspace's MLflow server: where runs and logged models keep files."""

from __future__ import annotations

from typing import Any

import httpx

from local.azureml.refusals import Refusal, invalid
from local.azureml.uris import LoggedModel, RunArtifact, TrackedArtifact, parse
from local.config import LocalConfig, Workspace

API = "/api/2.0/mlflow"
FOLDER = "mlflow"  # below it, the workspace's container holds MLflow's artifacts


class Tracking:
    """One connection pool for every workspace's server; the proxy forwards through the same one."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        self.http = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(60.0, connect=5.0))

    def url(self, env: str) -> str:
        return f"http://127.0.0.1:{self.config.port(f'mlflow_{env}')}"

    async def call(self, env: str, method: str, path: str, **values: Any) -> dict[str, Any]:
        """One REST call; what MLflow refuses is refused in its words."""
        query, body = (values, None) if method == "GET" else (None, values)
        url = f"{self.url(env)}{API}/{path}"
        answer = await self.send(env, self.http.build_request(method, url, params=query, json=body))
        await answer.aread()
        if answer.is_success:
            return answer.json()
        raise invalid(f"MLflow answered {answer.status_code}: {answer.text[:500]}", "path")

    async def send(self, env: str, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read."""
        try:
            return await self.http.send(request, stream=True)
        except httpx.TransportError as error:
            message = f"The tracking server of {env} does not answer."
            raise Refusal(503, "ServiceUnavailable", message) from error

    async def run(self, env: str, run_id: str) -> dict[str, Any]:
        return (await self.call(env, "GET", "runs/get", run_id=run_id))["run"]

    async def experiment_name(self, env: str, experiment_id: str) -> str:
        answer = await self.call(env, "GET", "experiments/get", experiment_id=experiment_id)
        return answer["experiment"]["name"]

    async def locate(self, workspace: Workspace, source: RunArtifact | LoggedModel) -> tuple[str, str | None]:
        """(path below MLflow's folder, producing run)."""
        if isinstance(source, LoggedModel):
            answer = await self.call(workspace.env, "GET", f"logged-models/{source.id}")
            info = answer["model"]["info"]
            return self._tracked(workspace, info["artifact_uri"]), info.get("source_run_id") or None
        run = await self.run(workspace.env, source.run)
        logged = await self._logged_under(workspace, run, source)
        if logged:
            return logged, source.run
        root = self._tracked(workspace, run["info"]["artifact_uri"])
        return f"{root}/{source.path}", source.run

    async def _logged_under(
        self, workspace: Workspace, run: dict[str, Any], source: RunArtifact
    ) -> str | None:
        """MLflow 3 keeps a model logged by a run outside the run's own artifacts, under the same name."""
        answer = await self.call(
            workspace.env,
            "POST",
            "logged-models/search",
            experiment_ids=[run["info"]["experiment_id"]],
            filter=f"source_run_id = '{source.run}' AND name = '{source.path}'",
        )
        models = answer.get("models") or []
        return self._tracked(workspace, models[0]["info"]["artifact_uri"]) if models else None

    def _tracked(self, workspace: Workspace, uri: str) -> str:
        source = parse(uri, workspace)
        if not isinstance(source, TrackedArtifact):
            raise invalid(f"'{uri}' is outside the workspace's artifact store.", "path")
        return source.path
