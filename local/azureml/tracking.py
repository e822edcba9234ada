"""A workspace's MLflow tracking server: the real one, in one process, forked from the zygote.

Runs and registered models are in SQLite, artifacts in the workspace's blob container below `mlflow/`. One
route is added, because Azure ML names a job's run after the job and MLflow's own API does not let a caller
choose a run's id.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azureml.zygote import child
from local.config import LocalConfig

if TYPE_CHECKING:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from starlette.requests import Request

ARTIFACTS = "mlflow"  # folder in the workspace's default container
ARTIFACT_ROOT = "mlflow-artifacts:/"


def artifact_prefix(artifact_uri: str) -> str:
    """Where in the workspace's container an `mlflow-artifacts:` location is.

    The URI may carry the server's host: `mlflow-artifacts://127.0.0.1:7082/0/models/m-1/artifacts`.
    """
    scheme, _, rest = artifact_uri.partition(":")
    if scheme != "mlflow-artifacts":
        raise ValueError(f"not an artifact that this server keeps: {artifact_uri}")
    path = rest[2:].partition("/")[2] if rest.startswith("//") else rest
    return f"{ARTIFACTS}/{path.strip('/')}"


def serve(env: str) -> int:
    """Runs until killed. Reports {"port"} once the schema is in place and connections are accepted."""
    config = LocalConfig.load()
    os.environ.update(_settings(config, env))
    from mlflow.server import handlers
    from mlflow.server.fastapi_app import app

    (config.home / "mlflow").mkdir(parents=True, exist_ok=True)
    handlers.initialize_backend_stores(os.environ["_MLFLOW_SERVER_FILE_STORE"], None, ARTIFACT_ROOT)
    store: Any = handlers._get_tracking_store()  # noqa: SLF001 - MLflow has no public way to its store
    app.router.routes[:0] = [
        Route("/-/ready", _ready),
        Route("/-/runs/{run_id}", _create_run(store), methods=["PUT"]),
    ]
    port = config.port(f"mlflow_{env}")
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    child.report({"port": port})
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    server.run(sockets=[listener])
    return 0


def _settings(config: LocalConfig, env: str) -> dict[str, str]:
    workspace = next(w for w in config.workspaces if w.env == env)
    # The host only has to look like Azure's for MLflow to accept it; the connection string says where to go.
    container = f"wasbs://{workspace.container}@{workspace.account}.blob.core.windows.net/{ARTIFACTS}"
    return {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{config.home / 'mlflow' / env}.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": ARTIFACT_ROOT,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": container,
        "AZURE_STORAGE_CONNECTION_STRING": config.connection_string(workspace.account),
    }


async def _ready(_: Request) -> Response:
    return Response("ready")


def _create_run(store: SqlAlchemyStore) -> Any:
    async def create(request: Request) -> Response:
        wanted, run_id = await request.json(), request.path_params["run_id"]
        try:
            await run_in_threadpool(_insert_run, store, run_id, wanted)
        except MlflowException as error:
            taken = isinstance(error.__cause__, IntegrityError)
            return JSONResponse({"message": error.message}, status_code=409 if taken else 400)
        return JSONResponse({"run_id": run_id}, status_code=201)

    return create


def _insert_run(store: SqlAlchemyStore, run_id: str, wanted: dict[str, Any]) -> None:
    from mlflow.entities import LifecycleStage, RunStatus, SourceType
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
    from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME, MLFLOW_USER
    from mlflow.utils.time import get_current_time_millis
    from mlflow.utils.validation import _validate_run_id

    _validate_run_id(run_id)
    experiment = store.get_experiment(wanted["experiment_id"])
    tags = {**wanted["tags"], MLFLOW_RUN_NAME: wanted["name"], MLFLOW_USER: wanted["user"]}
    run = SqlRun(
        run_uuid=run_id,
        name=wanted["name"],
        artifact_uri=f"{experiment.artifact_location}/{run_id}/{store.ARTIFACTS_FOLDER_NAME}",
        experiment_id=experiment.experiment_id,
        source_type=SourceType.to_string(SourceType.JOB),
        source_name="",
        entry_point_name="",
        user_id=wanted["user"],
        status=RunStatus.to_string(RunStatus.RUNNING),
        start_time=get_current_time_millis(),
        source_version="",
        lifecycle_stage=LifecycleStage.ACTIVE,
    )
    run.tags = [SqlTag(key=key, value=value) for key, value in tags.items()]
    with store.ManagedSessionMaker() as session:
        session.add(run)
