"""MLflow runs, read only. mlflow is imported when a run is first asked for: it costs about a second.

In Azure a workspace's tracking URI is `azureml://…`, which the azureml-mlflow plugin speaks and signs in for.
A plain `https://` tracking server below this cloud's ARM host is asked with our own token; any other without.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from shared.azure import AzureCloud
from shared.errors import GreenlightError, Invalid, NotFound
from shared.failures import from_status, sentence, translated
from shared.ports import Run

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

T = TypeVar("T")

MOST_CHILDREN = 500
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_PARENT = "mlflow.parentRunId"
_GONE = "RESOURCE_DOES_NOT_EXIST"


class Runs:
    """Satisfies `RunsPort`."""

    def __init__(self, cloud: AzureCloud, credential: TokenCredential, *, timeout: float = 20.0) -> None:
        self._cloud = cloud
        self._credential = credential
        self._timeout = timeout
        self._lock = threading.Lock()
        self._stores: dict[str, Any] = {}

    def run(self, tracking_uri: str, run_id: str) -> Run | None:
        check_run_id(run_id)
        store = self._store(tracking_uri)
        try:
            return self._asked(f"read run {run_id}", lambda: _run(store.get_run(run_id)))
        except NotFound:
            return None

    def children(self, tracking_uri: str, run_id: str) -> tuple[Run, ...]:
        check_run_id(run_id)
        store = self._store(tracking_uri)

        def found() -> tuple[Run, ...]:
            from mlflow.entities import ViewType

            parent = store.get_run(run_id)
            condition = f"tags.`{_PARENT}` = '{run_id}'"
            page = store.search_runs(
                [parent.info.experiment_id],
                condition,
                ViewType.ACTIVE_ONLY,
                MOST_CHILDREN,
                ["attributes.start_time"],
            )
            return tuple(map(_run, page))

        return self._asked(f"list children of run {run_id}", found)

    def _asked(self, doing: str, call: Callable[[], T]) -> T:
        from mlflow.exceptions import MlflowException

        try:
            with translated(doing):
                return call()
        except MlflowException as error:
            raise _translate(doing, error) from error

    def _store(self, tracking_uri: str) -> Any:
        with self._lock:
            if tracking_uri not in self._stores:
                self._stores[tracking_uri] = self._open(tracking_uri)
            return self._stores[tracking_uri]

    def _open(self, tracking_uri: str) -> Any:
        scheme = urlsplit(tracking_uri).scheme
        if scheme not in ("azureml", "https", "http"):
            raise Invalid(f"tracking address {tracking_uri[:200]!r}: only azureml, https and http are read")
        from mlflow import environment_variables

        knobs: Any = environment_variables  # mlflow's own are 120 s, seven times
        knobs.MLFLOW_HTTP_REQUEST_TIMEOUT.set(int(self._timeout))
        knobs.MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(1)
        if scheme == "azureml":
            from mlflow.tracking import MlflowClient

            return MlflowClient(tracking_uri)
        from mlflow.store.tracking.rest_store import RestStore
        from mlflow.utils.rest_utils import MlflowHostCreds

        return RestStore(lambda: MlflowHostCreds(tracking_uri, token=self._token(tracking_uri)))

    def _token(self, tracking_uri: str) -> str | None:
        """Our token goes to this cloud's ARM host and nowhere else."""
        parts = urlsplit(tracking_uri)
        if parts.scheme != "https" or (parts.hostname or "").lower() != self._cloud.arm_host:
            return None
        return self._credential.get_token(f"{self._cloud.arm.rstrip('/')}/.default").token


def check_run_id(run_id: str) -> None:
    """The id goes into a search expression."""
    if not _RUN_ID.fullmatch(run_id):
        raise Invalid(f"{run_id[:80]!r} is not the id of a run")


def _translate(doing: str, error: Any) -> GreenlightError:
    if error.error_code == _GONE:
        return NotFound(f"could not {doing}: {sentence(str(error))}")
    return from_status(doing, error.get_http_status_code(), error.error_code, str(error), {})


def _run(found: Any) -> Run:
    tags = dict(found.data.tags)
    return Run(
        str(found.info.run_id),
        dict(found.data.metrics),
        dict(found.data.params),
        tags,
        str(found.info.status),
        _time(found.info.start_time),
        _time(found.info.end_time),
        str(tags.get("mlflow.user") or found.info.user_id or ""),
        tags.get(_PARENT),
        str(found.info.user_id or ""),
    )


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
