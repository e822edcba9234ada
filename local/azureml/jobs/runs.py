"""A job's MLflow runs: the parent is named after the job, each node's run hangs below it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from local.config import LocalConfig

API = "/api/2.0/mlflow"
EXISTS = "RESOURCE_ALREADY_EXISTS"


class Runs:
    """Speaks to the environment's MLflow server directly: the platform needs no leave of its own."""

    def __init__(self, config: LocalConfig, env: str, user: str) -> None:
        self._user = user
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{config.port(f'mlflow_{env}')}", trust_env=False, timeout=30.0
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def experiment(self, name: str) -> str:
        """The id of the experiment of that name, made if there is none."""
        made = await self._http.post(f"{API}/experiments/create", json={"name": name})
        if made.is_success:
            return made.json()["experiment_id"]
        if made.json().get("error_code") != EXISTS:
            made.raise_for_status()
        found = await self._http.get(f"{API}/experiments/get-by-name", params={"experiment_name": name})
        found.raise_for_status()
        return found.json()["experiment"]["experiment_id"]

    async def create(self, run: str, experiment: str, name: str, tags: dict[str, str]) -> None:
        body = {"experiment_id": experiment, "name": name, "user": self._user, "tags": tags}
        await self._post("PUT", f"/-/runs/{run}", body)

    async def end(self, run: str, status: str) -> None:
        """FINISHED, FAILED or KILLED, whatever the component itself has said."""
        body = {"run_id": run, "status": status, "end_time": int(time.time() * 1000)}
        await self._post("POST", f"{API}/runs/update", body)

    async def _post(self, method: str, path: str, body: dict[str, Any]) -> None:
        answer = await self._http.request(method, path, json=body)
        answer.raise_for_status()
