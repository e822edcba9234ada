"""How this product holds `azure-ai-ml`: one client per workspace, hard deadlines, and no waiting.

The SDK's `begin_*` methods offer no way to switch polling off: each starts a thread that polls every 5 to 30
seconds until the operation ends, and a recycled worker would lose it anyway. azure-core's own hook for
responses ends them earlier: once the platform has accepted a write, `Accepted` is raised through the SDK,
before a poller exists. Only public keywords of the SDK are used for it.
"""

from __future__ import annotations

import importlib
import re
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from shared.arm_id import WorkspaceId
from shared.azure import AzureCloud
from shared.errors import Invalid, Unavailable
from shared.failures import from_status, sentence, translated
from shared.rights import Granted

if TYPE_CHECKING:
    import requests
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineRequest, PipelineResponse

_CONNECT_SECONDS = 5.0
_LEAST_SECONDS = 0.5  # a request that begins with less left is not sent at all
_ONLINE = re.compile(r"/onlineendpoints/", re.IGNORECASE)
_CLOUD = "AZUREML_CURRENT_CLOUD"
_PERMISSIONS = "2022-04-01"
_TAKEN = (200, 201, 202, 204)
_until: ContextVar[float | None] = ContextVar("until", default=None)
_construction = threading.Lock()  # MLClient keeps its cloud in process-wide state


class Accepted(Exception):  # an outcome, not an error; were it an AzureError, the SDK would retry it
    """The platform took the write on. `operation` is where it tells how it ends; "" when it ended at once."""

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation


@contextmanager
def calling(doing: str, seconds: float) -> Generator[None]:
    """Everything the SDK sends inside must be answered within `seconds` in all; failures are translated.

    An inner one cannot outlive the outer one.
    """
    end, outer = time.monotonic() + seconds, _until.get()
    token = _until.set(end if outer is None else min(end, outer))
    try:
        with translated(doing):
            yield
    except (AttributeError, KeyError, TypeError) as error:
        # The SDK reads some fields without looking whether they are there.
        raise Unavailable(f"could not {doing}: the answer lacks something; {sentence(str(error))}") from error
    finally:
        _until.reset(token)


def begin(call: Callable[[], object]) -> str:
    """Run one of the SDK's `begin_*` calls up to its acceptance; returns the operation's address."""
    try:
        call()
    except Accepted as accepted:
        return accepted.operation
    raise Unavailable("the SDK returned from a write without having sent it")


def new_client(workspace: WorkspaceId, cloud: AzureCloud, credential: TokenCredential) -> MLClient:
    """About a second and 100 MB the first time in a process; nothing is sent."""
    with _construction:
        _load_sdk()
        from azure.ai.ml import MLClient

        return MLClient(
            credential,
            workspace.subscription,
            workspace.resource_group,
            workspace.name,
            cloud=cloud.name,
            cloud_metadata=cloud.sdk_metadata(),
            enable_telemetry=False,
            show_progress=False,
            retry_total=0,
            permit_redirects=False,
            raw_request_hook=_keep_deadline,
            raw_response_hook=_stop_at_acceptance,
        )


def _load_sdk() -> None:
    """While it is imported, the SDK looks up which cloud the process's environment names."""
    from azure.core.exceptions import AzureError

    try:
        importlib.import_module("azure.ai.ml")
    except AzureError as error:
        raise Invalid(
            f"azure-ai-ml cannot be loaded: {sentence(str(error.message))} Unset {_CLOUD} in this "
            "environment and try again: GREENLIGHT_ARM_ENDPOINT alone says which cloud this is"
        ) from error


def operation_error(operation: str, cloud: AzureCloud, credential: TokenCredential, seconds: float) -> str:
    """ "code: message" of an operation that failed; "" while it runs, when it succeeded or is forgotten."""
    parts = urlsplit(operation)
    if parts.scheme != "https" or (parts.hostname or "").lower() != cloud.arm_host:
        raise Invalid(f"{operation[:200]!r} is not an operation of {cloud.arm_host}")
    answer = _ask(operation, "ask how an operation ended", cloud, credential, seconds)
    told = _body(answer, "ask how an operation ended") if answer.status_code in (200, 202) else {}
    if told.get("status") not in ("Failed", "Canceled"):
        return ""
    failure: dict[str, Any] = told.get("error") or {}
    details: list[dict[str, Any]] = failure.get("details") or []
    said = [sentence(str(part.get("message") or "")) for part in (failure, *details)]
    return f"{failure.get('code') or told['status']}: {' '.join(filter(None, said))}".rstrip(": ")


def granted(
    workspace: WorkspaceId, cloud: AzureCloud, credential: TokenCredential, seconds: float
) -> tuple[Granted, ...]:
    """What the caller's roles grant on the workspace, as ARM sums them up."""
    doing = f"read what this identity may do in {workspace.name}"
    place = f"{cloud.arm.rstrip('/')}{workspace}/providers/Microsoft.Authorization/permissions"
    answer = _ask(f"{place}?api-version={_PERMISSIONS}", doing, cloud, credential, seconds)
    told = _body(answer, doing)
    if answer.status_code != 200:
        error: dict[str, Any] = told.get("error") or {}
        code, text = str(error.get("code") or ""), str(error.get("message") or answer.reason)
        raise from_status(doing, answer.status_code, code, text, answer.headers)
    rows: list[dict[str, Any]] = told.get("value") or []
    return tuple(Granted(tuple(row.get("actions") or ()), tuple(row.get("notActions") or ())) for row in rows)


def _ask(
    url: str, doing: str, cloud: AzureCloud, credential: TokenCredential, seconds: float
) -> requests.Response:
    """One GET that the SDK has no call for."""
    import requests

    with translated(doing):
        token = credential.get_token(f"{cloud.arm.rstrip('/')}/.default").token
    try:
        answer = requests.get(
            url,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=(_CONNECT_SECONDS, seconds),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise Unavailable(f"could not {doing}: {type(error).__name__}") from error
    if answer.status_code == 429 or answer.status_code >= 500:
        raise from_status(doing, answer.status_code, "", answer.reason, answer.headers)
    return answer


def _body(answer: requests.Response, doing: str) -> dict[str, Any]:
    try:
        told: object = answer.json()
    except ValueError as error:
        raise Unavailable(f"could not {doing}: {type(error).__name__}") from error
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _keep_deadline(request: PipelineRequest[Any]) -> None:
    end = _until.get()
    if end is None:
        return
    left = end - time.monotonic()
    if left < _LEAST_SECONDS:
        raise Unavailable("the call's time was used up before this request was sent")
    request.context.options["connection_timeout"] = min(_CONNECT_SECONDS, left)
    request.context.options["read_timeout"] = left


def _stop_at_acceptance(response: PipelineResponse[Any, Any]) -> None:
    request, answer = response.http_request, response.http_response
    write = request.method in ("PUT", "DELETE") and _ONLINE.search(request.url)
    if not write or answer.status_code not in _TAKEN:
        return
    answer.read()  # gives the connection back
    headers = answer.headers
    raise Accepted(headers.get("Azure-AsyncOperation") or headers.get("Location") or "")
