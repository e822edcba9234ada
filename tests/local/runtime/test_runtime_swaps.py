"""What callers notice while deployments are swapped, drained and the router itself restarts: nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.cloud import Cloud
    from tests.local.runtime.conftest import Bench

    OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]

pytestmark = pytest.mark.usefixtures("models")
DEPLOYMENT = "azureml-model-deployment"
BLUE, GREEN = {"blue": 100}, {"green": 100, "blue": 0}


def test_no_request_is_lost_while_weights_move_and_scorers_come_and_go(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        answers: Counter[Any] = Counter()
        enough = asyncio.Event()

        async def client() -> None:
            while not enough.is_set():
                answer = await bench.score("swap")
                answers[answer.json()[0] if answer.status_code == 200 else answer.text] += 1

        async def until(reached: Callable[[], bool]) -> None:
            async with asyncio.timeout(20):
                while not reached():
                    await asyncio.sleep(0.01)

        ports = {"blue": await bench.scorer("swap", "blue", "one")}
        await bench.route("swap", ports, BLUE)
        clients = [asyncio.create_task(client()) for _ in range(6)]
        for _ in range(3):
            ports["green"] = await bench.scorer("swap", "green", "two")
            await bench.route("swap", ports, GREEN)
            await bench.route("swap", {"green": ports["green"]}, {"green": 100})
            await bench.runtime.stop_scorer("dev", "swap", "blue")
            seen = answers[2]
            await until(lambda seen=seen: answers[2] > seen + 20)
            ports["blue"] = await bench.scorer("swap", "blue", "one")
            await bench.route("swap", {"blue": ports["blue"]}, BLUE)
            await bench.runtime.stop_scorer("dev", "swap", "green")
            seen = answers[1]
            await until(lambda seen=seen: answers[1] > seen + 20)
        enough.set()
        await asyncio.gather(*clients)
        assert set(answers) == {1, 2}
        await bench.drop("swap", "blue")

    on_bench(story)


def test_a_request_in_flight_ends_where_it_began(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        ports = {
            "blue": await bench.scorer("flight", "blue", "one", delay=1.0),
            "green": await bench.scorer("flight", "green", "two"),
        }
        await bench.route("flight", ports, BLUE)
        slow = asyncio.create_task(bench.score("flight"))
        async with asyncio.timeout(5):
            while (await bench.http.post(f"{bench.router}/-/drain/{ports['blue']}?seconds=0")).json()[
                "drained"
            ]:
                await asyncio.sleep(0.01)  # not there yet
        await bench.route("flight", {"green": ports["green"]}, {"green": 100})
        await bench.runtime.stop_scorer("dev", "flight", "blue")
        answer = await slow
        assert (answer.status_code, answer.headers[DEPLOYMENT], answer.json()) == (200, "blue", [1])
        assert (await bench.score("flight")).json() == [2]
        await bench.drop("flight", "green")

    on_bench(story)


def test_routes_survive_the_router(on_bench: OnBench, processes: Cloud) -> None:
    async def story(bench: Bench) -> None:
        await bench.route("lasting", {"blue": await bench.scorer("lasting", "blue", "one")}, BLUE)
        await asyncio.to_thread(processes.restart, "router")
        assert (await bench.score("lasting")).json() == [1]
        await bench.drop("lasting", "blue")

    on_bench(story)
