"""ARM's manners: sign-in, paths, versions, error bodies, throttling, lost answers, the log of calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from local import faults, identity
from tests.contract.azureml.conftest import AUTHOR
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.ai.ml import MLClient

    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm

ENDPOINT = {"location": "westeurope", "tags": {}, "properties": {"authMode": "Key"}}


def foreign_token(config: LocalConfig) -> str:
    claims = {
        "aud": config.arm_url,
        "iss": identity.ISSUER,
        "oid": AUTHOR,
        "tid": "x",
        "exp": time.time() + 60,
    }
    return jwt.encode(claims, "somebody else's key, long enough for HMAC", algorithm="HS256")


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (lambda _: "", "AuthenticationFailed"),
        (lambda _: "Bearer nonsense", "InvalidAuthenticationToken"),
        (lambda c: f"Bearer {foreign_token(c)}", "InvalidAuthenticationToken"),
        (
            lambda c: f"Bearer {identity.issue_token(c, AUTHOR, c.arm_url, lifetime=-60)}",
            "ExpiredAuthenticationToken",
        ),
        (
            lambda c: f"Bearer {identity.issue_token(c, AUTHOR, 'https://storage.azure.com')}",
            "InvalidAuthenticationTokenAudience",
        ),
    ],
)
def test_a_token_that_proves_nothing_is_refused(
    arm: Arm, config: LocalConfig, token: Callable[[LocalConfig], str], code: str
) -> None:
    answer = arm.get(config.workspaces[0].id, headers={"Authorization": token(config)})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_paths_are_compared_without_case(arm: Arm, config: LocalConfig) -> None:
    workspace = config.workspaces[0]

    assert arm.get(workspace.id.lower()).json()["name"] == workspace.name
    assert arm.get(f"{workspace.id.upper()}/ONLINEENDPOINTS").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/models", 200, None),
        ("/nothing/of/this/kind", 404, "NotFound"),
        ("/onlineEndpoints/none", 404, "NotFound"),
        ("/models/none/versions/1", 404, "UserError"),
        ("/jobs/none", 404, "ResourceNotFound"),
    ],
)
def test_what_is_not_there_is_a_json_404(
    arm: Arm, config: LocalConfig, path: str, status: int, code: str | None
) -> None:
    answer = arm.ask("GET", config.workspaces[0], path)

    assert answer.status_code == status
    if code:
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "target", "details", "additionalInfo"}
        assert error["code"] == code


def test_requests_that_cannot_be_understood_are_refused(arm: Arm, config: LocalConfig) -> None:
    workspace = config.workspaces[0]
    where = f"{workspace.id}/onlineEndpoints/some-name"

    assert (
        arm.get(workspace.id, params={"api-version": "x"}).json()["error"]["code"]
        == "InvalidApiVersionParameter"
    )
    assert arm.put(where, content=b"{").json()["error"]["code"] == "InvalidRequestContent"
    assert arm.put(where, json=[1]).json()["error"]["code"] == "InvalidRequestContent"
    assert arm.put(where, json={"location": "westeurope"}).json()["error"]["code"] == "InvalidRequestContent"
    assert arm.patch(where, json={}).json()["error"]["code"] == "MethodNotAllowed"
    other = workspace.id.replace("mlw-dev", "mlw-other")
    assert arm.get(other).json()["error"]["code"] == "ResourceNotFound"


def test_throttling_reaches_the_caller_when_it_outlasts_the_retries(
    client: Callable[..., MLClient], config: LocalConfig
) -> None:
    faults.add(config, {"on": "arm", "path": "*/datastores/*", "status": 429, "retry_after": 1})

    with pytest.raises(HttpResponseError) as caught:
        client(retry_total=0).datastores.get("workspaceblobstore")

    assert caught.value.status_code == 429


def test_one_failure_is_healed_by_the_clients_retry(
    client: Callable[..., MLClient], config: LocalConfig
) -> None:
    faults.add(config, {"on": "arm", "path": "*/datastores/*", "status": 503, "times": 1})

    assert client(retry_backoff_factor=0).datastores.get("workspaceblobstore").name == "workspaceblobstore"


def test_an_answer_may_be_lost_after_the_effect(arm: Arm, config: LocalConfig, name: str) -> None:
    faults.add(config, {"on": "arm", "method": "PUT", "path": f"*/onlineEndpoints/{name}", "lost": True})

    with pytest.raises(httpx.TransportError):
        arm.ask("PUT", config.workspaces[0], f"/onlineEndpoints/{name}", ENDPOINT)

    assert arm.ask("GET", config.workspaces[0], f"/onlineEndpoints/{name}").status_code == 200


def test_an_effect_may_come_after_its_caller_gave_up(arm: Arm, config: LocalConfig, name: str) -> None:
    faults.add(config, {"on": "arm", "method": "PUT", "path": f"*/onlineEndpoints/{name}", "late": 0.3})

    with pytest.raises(httpx.TransportError):
        arm.ask("PUT", config.workspaces[0], f"/onlineEndpoints/{name}", ENDPOINT)

    def seen() -> bool:
        return arm.ask("GET", config.workspaces[0], f"/onlineEndpoints/{name}").status_code == 200

    assert not seen()
    eventually(seen, 5, "the late write has its effect")


def test_the_sdk_sees_a_lost_answer_as_no_answer(
    client: Callable[..., MLClient], config: LocalConfig, name: str
) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    faults.add(config, {"on": "arm", "method": "PUT", "path": f"*/onlineEndpoints/{name}", "lost": True})

    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        client(retry_total=0).online_endpoints.begin_create_or_update(
            ManagedOnlineEndpoint(name=name, auth_mode="key")
        )


def test_the_log_of_calls_names_the_caller(arm: Arm, config: LocalConfig, name: str) -> None:
    arm.ask("GET", config.workspaces[0], f"/models/{name}")

    calls = arm.get("/-/calls").json()
    ours = [c for c in calls if c["path"].endswith(f"/models/{name}")]
    assert [(c["method"], c["oid"], c["status"]) for c in ours] == [("GET", AUTHOR, 404)]
