"""The scoring router against real scorers: the status codes and headers of a managed online endpoint."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.local.runtime.conftest import Bench

    OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]

pytestmark = pytest.mark.usefixtures("models")
DEPLOYMENT = "azureml-model-deployment"
GOOD = "Bearer second-key"
ROWS = {"input_data": [{"x": 1.0}]}
BLUE = {"blue": 100}


@dataclass(frozen=True)
class Case:
    name: str
    status: int
    deployment: str | None = None  # that answered
    traffic: dict[str, int] = field(default_factory=lambda: {"blue": 100})
    headers: dict[str, str] = field(default_factory=lambda: {"authorization": GOOD})
    path: str = "/table/score"
    method: str = "POST"
    body: bytes = json.dumps(ROWS).encode()
    more: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("all traffic", 200, "blue"),
    Case("zero means none", 200, "green", {"blue": 0, "green": 100}),
    Case("no key", 401, headers={}),
    Case("wrong key", 401, headers={"authorization": "Bearer third-key"}),
    Case("not a bearer", 401, headers={"authorization": "Basic second-key"}),
    Case("unknown endpoint", 404, path="/other/score"),
    Case("unknown path", 404, path="/table/predict"),
    Case("not a post", 405, method="GET"),
    Case("no positive weight", 404, traffic={"blue": 0}),
    Case("no weights", 404, traffic={}),
    Case("by name without weight", 200, "green", headers={"authorization": GOOD, DEPLOYMENT: "green"}),
    Case("by name without any weights", 200, "blue", {}, {"authorization": GOOD, DEPLOYMENT: "blue"}),
    Case("unknown name", 404, headers={"authorization": GOOD, DEPLOYMENT: "purple"}),
    Case("the model fails", 424, "failing", headers={"authorization": GOOD, DEPLOYMENT: "failing"}),
    Case("the model refuses", 424, "blue", body=b"[]"),
    Case(
        "too slow",
        408,
        "slow",
        {},
        {"authorization": GOOD, DEPLOYMENT: "slow"},
        more={"timeouts": {"slow": 0.1}},
    ),
    Case("too many", 429, "blue", more={"pending": {"blue": 0}}),
    Case("nobody there", 500, "gone", headers={"authorization": GOOD, DEPLOYMENT: "gone"}),
)


def test_answers_as_a_managed_endpoint_does(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        ports = {
            "blue": await bench.scorer("table", "blue", "one"),
            "green": await bench.scorer("table", "green", "two"),
            "failing": await bench.scorer("table", "failing", "one", status=503),
            "slow": await bench.scorer("table", "slow", "one", delay=0.5),
            "gone": await bench.scorer("table", "gone", "one"),
        }
        await bench.runtime.stop_scorer("dev", "table", "gone")
        for case in CASES:
            await bench.route("table", ports, case.traffic, **case.more)
            answer = await bench.http.request(
                case.method, bench.router + case.path, content=case.body, headers=case.headers
            )
            assert (case.name, answer.status_code) == (case.name, case.status)
            assert (case.name, answer.headers.get(DEPLOYMENT)) == (case.name, case.deployment)
            assert answer.headers["x-request-id"]
            if case.status == 424:
                assert answer.headers["ms-azureml-model-error-reason"] == "model_error"
                assert answer.headers["ms-azureml-model-error-statuscode"] in ("503", "400")
        await bench.drop("table", *ports)
        assert (await bench.score("table")).status_code == 404

    on_bench(story)


def test_weights_split_and_mirrors_copy(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        ports = {
            "blue": await bench.scorer("split", "blue", "one"),
            "green": await bench.scorer("split", "green", "two"),
        }
        await bench.route("split", ports, {"blue": 70, "green": 30})
        answers = Counter([(await bench.score("split")).json()[0] for _ in range(200)])
        assert answers.total() == 200
        assert 35 <= answers[2] <= 85  # 60 expected; six standard deviations wide of it is a broken split

        await bench.route("split", ports, BLUE, mirror={"green": 50})
        before = (await _metrics(bench, "split"))["green"]
        answers = Counter([(await bench.score("split")).json()[0] for _ in range(100)])
        assert answers == {1: 100}  # the copies' answers reach nobody
        await bench.score("split", azureml_model_deployment="blue")

        async def copied() -> int:
            return (await _metrics(bench, "split"))["green"]["mirrored"] - before["mirrored"]

        async with asyncio.timeout(5):
            while await copied() < 20:
                await asyncio.sleep(0.02)
        assert (await _metrics(bench, "split"))["green"]["requests"] == before["requests"]
        await bench.drop("split", "blue", "green")

    on_bench(story)


def test_a_container_can_fail_what_traffic_brings_and_nothing_else(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        ports = {"blue": await bench.scorer("live", "blue", "one", status=500, live=True, after=1)}
        await bench.route("live", ports, BLUE)

        async def asked(**headers: str) -> int:
            return (await bench.score("live", **headers)).status_code

        assert [await asked(azureml_model_deployment="blue") for _ in range(3)] == [200] * 3
        assert [await asked() for _ in range(3)] == [200, 424, 424]
        assert await asked(azureml_model_deployment="blue") == 200
        await bench.drop("live", "blue")

    on_bench(story)


def test_metrics_and_access_log_say_who_answered(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        ports = {
            "blue": await bench.scorer("seen", "blue", "one"),
            "bad": await bench.scorer("seen", "bad", "one", status=500),
        }
        await bench.route("seen", ports, BLUE)
        for _ in range(3):
            await bench.score("seen")
        marked = await bench.score(
            "seen", azureml_model_deployment="bad", x_ms_client_request_id="my id/7" + "x" * 60
        )
        assert marked.headers["x-ms-client-request-id"] == "myid7" + "x" * 35

        seen = await _metrics(bench, "seen")
        assert (seen["blue"]["requests"], seen["blue"]["classes"]) == (3, {"2xx": 3})
        assert seen["bad"]["statuses"] == {"424": 1}
        assert 0 < seen["blue"]["latency_ms"]["p50"] <= seen["blue"]["latency_ms"]["p95"]
        assert sum(minute["requests"] for minute in seen["blue"]["minutes"]) == 3

        log = bench.config.home / "logs" / "router-access.log"
        wanted = marked.headers["x-request-id"]
        line = eventually(
            lambda: [row for row in log.read_text().splitlines() if wanted in row], 5, "the request is logged"
        )[0]
        facts = json.loads(line)
        assert (facts["endpoint"], facts["deployment"], facts["by_name"]) == ("seen", "bad", True)
        assert (facts["status"], facts["model_status"]) == (424, 500)
        await bench.drop("seen", *ports)

    on_bench(story)


def test_tls_by_host_name_through_the_proxy(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        await bench.route("named", {"blue": await bench.scorer("named", "blue", "one")}, BLUE)
        trust = ssl.create_default_context(cafile=str(bench.config.ca_bundle))
        async with httpx.AsyncClient(proxy=bench.config.proxy_url, verify=trust, trust_env=False) as client:
            answer = await client.post(
                "https://named.westeurope.inference.greenlight.test/score",
                json=ROWS,
                headers={"authorization": GOOD},
            )
        assert (answer.status_code, answer.json()) == (200, [1])
        await bench.drop("named", "blue")

    on_bench(story)


@pytest.mark.parametrize(
    "route",
    [
        {"traffic": {"blue": 90}},
        {"traffic": {"blue": 200}},
        {"traffic": {"blue": "100"}},
        {"colour": "blue"},
        {"keys": None},
    ],
)
def test_what_is_not_a_route_changes_nothing(on_bench: OnBench, route: dict[str, Any]) -> None:
    async def story(bench: Bench) -> None:
        whole = {"keys": ["k"], "traffic": {}, "mirror": {}, "ports": {}}
        refused = await bench.http.put(f"{bench.router}/-/routes/odd", json=whole | route)
        assert refused.status_code == 400
        assert "odd" not in (await bench.http.get(f"{bench.router}/-/routes")).text

    on_bench(story)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/2\r\n\r\n", b"505"),
        (b"POST /x/score HTTP/1.1\r\ncontent-length: ten\r\n\r\n", b"400"),
        (b"POST /x/score HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
        (b"POST /x/score HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
        (b"POST /x/score HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (
            b"POST /x/score HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\n\r\n",
            b"404",
        ),
    ],
)
def test_what_is_not_http_is_answered_and_hung_up_on(on_bench: OnBench, sent: bytes, status: bytes) -> None:
    async def story(bench: Bench) -> None:
        port = bench.config.port("router_http")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            assert (await reader.readline()).split(b" ")[1] == status
            await reader.read()
        writer.close()

    on_bench(story)


async def _metrics(bench: Bench, endpoint: str) -> Any:
    answer = await bench.http.get(f"{bench.router}/-/metrics", params={"endpoint": endpoint})
    return answer.json()["endpoints"][endpoint]
