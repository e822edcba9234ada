"""What the local router costs a request, against asking the scoring process directly."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx

from bench.report import percentiles, table
from bench.running import running
from local.appsettings import ROOT
from tests.cloud.clients import Api
from tests.running import eventually

if TYPE_CHECKING:
    from bench.running import Running

TITLE = "The local router"
MODEL = "titanic-router"
ROUNDS, WARM_UP = 400, 50
ABOUT = f"""\
{ROUNDS} requests each, in turn, from one client with kept connections: through the router as an application
asks, and to the port of the scoring process behind it.

"""


def run() -> str:
    with running() as it, httpx.Client(trust_env=False, timeout=30.0) as http:
        _serve(it)
        config = it.cloud.config
        base = f"http://127.0.0.1:{config.port('router_http')}"
        endpoint = f"{MODEL}-dev"
        route = next(r for r in http.get(f"{base}/-/routes").json()["routes"] if r["endpoint"] == endpoint)
        (deployment,) = route["traffic"]
        key = it.inside.workspace("dev").scoring_key(endpoint)
        ways = {
            "through the router": (f"{base}/{endpoint}/score", {"Authorization": f"Bearer {key}"}),
            "directly": (
                f"http://127.0.0.1:{route['ports'][deployment]}/score",
                {"azureml-model-deployment": f"{endpoint}/{deployment}"},
            ),
        }
        took = _asked(http, ways)
    through, directly = (percentiles(took[way]) for way in ways)
    rows = [
        [way, f"{p50:.1f} ms", f"{p95:.1f} ms"]
        for way, (p50, p95) in zip(ways, (through, directly), strict=True)
    ]
    rows.append(["ratio", f"{through[0] / directly[0]:.2f}", f"{through[1] / directly[1]:.2f}"])
    return ABOUT + table(["", "p50", "p95"], rows)


def _serve(it: Running) -> None:
    api = Api(it.cloud.config, "ana")
    try:
        it.models.register(MODEL, "1")
        eventually(lambda: _live(api), 180.0, f"{MODEL} live in dev", 0.3)
    finally:
        api.close()


def _live(api: Api) -> bool:
    slot = api.slot(MODEL, "dev")
    return bool(slot and slot["serving"])


def _asked(http: httpx.Client, ways: dict[str, tuple[str, dict[str, str]]]) -> dict[str, list[float]]:
    body = (ROOT / "ml" / "sample-request.json").read_bytes()
    took: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(WARM_UP + ROUNDS):
        for way, (url, headers) in ways.items():
            began = time.perf_counter()
            answer = http.post(url, content=body, headers={**headers, "Content-Type": "application/json"})
            seconds = time.perf_counter() - began
            assert answer.status_code == httpx.codes.OK, f"{way}: {answer.status_code} {answer.text[:200]}"
            assert json.loads(answer.content)
            if number >= WARM_UP:
                took[way].append(seconds * 1000)
    return took
