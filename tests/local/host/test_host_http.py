"""HTTP triggers over the wire: routes, keys, conversions, the home page, what the log may say."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

import pytest

from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.host.host_process import HostProcess


def test_root_route_answers_when_the_home_page_is_off(host: HostProcess) -> None:
    answer = host.request("GET", "/")

    assert (answer.status_code, answer.text) == (200, "<h1>mine</h1>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_home_page_hides_a_root_route_by_default(make_host: Callable[..., HostProcess]) -> None:
    host = make_host(AzureWebJobsDisableHomepage="").start()

    assert "up and running" in host.request("GET", "/").text


def test_root_without_a_route_is_empty_when_the_home_page_is_off(
    make_host: Callable[..., HostProcess],
) -> None:
    host = make_host({"extensions.http.routePrefix": "api"}).start()

    assert host.request("GET", "/").status_code == 204
    assert host.request("GET", "/api").text == "<h1>mine</h1>"
    assert host.request("GET", "/api/items/7").text == "item 7"
    assert host.request("GET", "/items/7").status_code == 404


def test_request_reaches_the_function_whole(host: HostProcess) -> None:
    answer = host.request(
        "POST", "/echo/a%20b%2Fc?x=1&x=2&empty=", content="körper".encode(), headers={"X-Given": "yes"}
    )

    seen = answer.json()
    assert seen["method"] == "POST"
    assert seen["name"] == "a b%2Fc"
    assert seen["query"] == {"x": "1,2"}
    assert seen["header"] == "yes"
    assert seen["body"] == "körper"
    assert seen["function"] == "echo"
    assert seen["thread"].startswith("function")
    assert answer.headers["x-own"] == "yes"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/items/12", 200),
        ("GET", "/ITEMS/12/", 200),
        ("GET", "/items/twelve", 404),
        ("GET", "/items/99999999999", 404),
        ("GET", "/files/a/b/c", 200),
        ("GET", "/files", 200),
        ("POST", "/files/a", 404),
        ("OPTIONS", "/files/a", 404),
        ("HEAD", "/echo/x", 200),
        ("DELETE", "/echo/x", 404),
        ("GET", "/echo/latest", 201),
        ("GET", "/nothing", 204),
        ("GET", "/nowhere", 404),
        ("GET", "/broken", 500),
        ("GET", "/runtime/webhooks/other", 404),
    ],
)
def test_status(host: HostProcess, method: str, path: str, status: int) -> None:
    answer = host.request(method, path)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert status not in {404, 500} or answer.content == b""


def test_async_functions_run_on_the_loop(host: HostProcess) -> None:
    assert host.request("GET", "/echo/latest").text == "latest on MainThread"


def test_cookie_values_are_escaped_as_the_host_does(host: HostProcess) -> None:
    cookie = host.request("GET", "/cookies").headers["set-cookie"]

    assert cookie.startswith("a=b%253D; ")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/keyed", None, 401),
        ("/keyed", "wrong", 401),
        ("/keyed", "default", 200),
        ("/keyed", "master", 200),
        ("/masters", "default", 401),
        ("/masters", "master", 200),
    ],
)
def test_keys(host: HostProcess, path: str, key: str | None, status: int) -> None:
    keys = {"master": host.key, "default": host.keys["function_keys"]["default"], "wrong": "wrong"}
    by_header = {"x-functions-key": keys[key]} if key else {}
    by_query = {"code": keys[key]} if key else {}

    assert host.request("GET", path, headers=by_header).status_code == status
    assert host.request("GET", path, params=by_query).status_code == status


def test_body_limit(host: HostProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    connection.putrequest("POST", "/echo/x")
    connection.putheader("Content-Length", str(104_857_601))
    connection.endheaders()

    assert connection.getresponse().status == 413
    connection.close()


def test_admin_needs_the_master_key(host: HostProcess) -> None:
    assert host.request("GET", "/admin/host/ping").status_code == 200
    assert host.request("GET", "/admin/host/status").status_code == 401
    assert host.request("GET", f"/admin/host/status?code={host.key}").json()["state"] == "Running"
    names = {f["name"] for f in host.request("GET", f"/admin/functions?code={host.key}").json()}
    assert {"on_job", "on_timer", "on_event", "root"} <= names


def test_system_key_is_handed_out_for_the_master_key(host: HostProcess) -> None:
    answer = host.request("GET", f"/admin/host/systemkeys/eventgrid_extension?code={host.key}").json()

    assert answer == {"name": "eventgrid_extension", "value": host.keys["system_keys"]["eventgrid_extension"]}


def test_log_names_routes_and_no_secret(host: HostProcess) -> None:
    host.request("GET", "/review/TOKEN-1?code=QUERY-2", headers={"Authorization": "Bearer HEADER-3"})
    host.request("GET", "/reviews/TOKEN-4?code=QUERY-5")

    wait_for(lambda: "GET /review/{token} 200" in host.log, "the line of the first request")
    wait_for(lambda: "GET (no route) 404" in host.log, "the line of the second")
    assert not [s for s in ("TOKEN-1", "QUERY-2", "HEADER-3", "TOKEN-4", "QUERY-5") if s in host.log]


def test_failure_is_logged_with_its_traceback(host: HostProcess) -> None:
    host.request("GET", "/broken")

    assert "broken FAILED" in host.log
    assert "RuntimeError: a deliberate failure" in host.log


def test_queue_output_that_cannot_be_sent_fails_the_function(host: HostProcess) -> None:
    assert host.request("POST", "/send/jobs", content=json.dumps({"a": 1})).status_code == 500
