"""A deployment's container: what it answers, and how it says that it cannot start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.azureml.runtime import ScorerFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.local.runtime.conftest import Bench

    OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]

pytestmark = pytest.mark.usefixtures("models")
TABLE = {"columns": ["x", "n"], "index": [0, 1], "data": [[0.0, 1], [1.0, 2]]}


def test_every_input_form_of_the_service_is_scored_with_the_signatures_types(on_bench: OnBench) -> None:
    forms: list[tuple[Any, int]] = [
        (TABLE, 200),
        ({"columns": ["n", "x"], "data": [[1, 0], [2, 1]]}, 200),  # other order, whole numbers for doubles
        ({"columns": ["x", "n"], "index": [0, 1], "data": [["0.0", 1], ["1.0", 2]]}, 200),  # cast
        ([{"x": 0.0, "n": 1}, {"x": 1.0, "n": 2}], 200),
        ({"x": [0.0, 1.0], "n": [1, 2]}, 200),
        ({"columns": ["x"], "index": [0], "data": [[0.0]]}, 400),  # a column is missing
        ({"columns": ["x", "n"], "index": [0], "data": [["far", 1]]}, 400),
        ("text", 400),
    ]

    async def story(bench: Bench) -> None:
        port = await bench.scorer("forms", "line", "line")
        url = f"http://127.0.0.1:{port}/score"
        for form, status in forms:
            answer = await bench.http.post(url, json={"input_data": form})
            assert answer.status_code == status, (form, answer.text)
            if status == 200:
                assert answer.json() == pytest.approx([1.0, 3.0])
        for body in (b"{", b"[]", b'{"inputs": []}'):
            assert (await bench.http.post(url, content=body)).status_code == 400
        assert (await bench.http.get(f"http://127.0.0.1:{port}/")).status_code == 200
        other = {"azureml-model-deployment": "forms/other"}
        misled = await bench.http.post(url, json={"input_data": TABLE}, headers=other)
        assert misled.status_code == 421
        await bench.drop("forms", "line")

    on_bench(story)


@pytest.mark.parametrize(
    ("model", "fault", "code"),
    [
        ("absent", {}, "BadArgument"),
        ("nameless", {}, "BadArgument"),
        ("broken", {}, "ResourceNotReady"),
        ("one", {"crash": True}, "ResourceNotReady"),
    ],
)
def test_a_container_that_cannot_start_says_why(
    on_bench: OnBench, model: str, fault: dict[str, Any], code: str
) -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(ScorerFailed) as failed:
            await bench.scorer("sick", model, model, **fault)
        assert failed.value.code == code
        log = await bench.runtime.scorer_logs("dev", "sick", model, 5)
        assert failed.value.message.splitlines()[0] in log

    on_bench(story)


def test_a_faulty_container_comes_up_healthy_and_fails_its_requests(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        port = await bench.scorer("faulty", "blue", "one", status=500)
        assert (await bench.http.get(f"http://127.0.0.1:{port}/")).status_code == 200
        scored = await bench.http.post(f"http://127.0.0.1:{port}/score", json={"input_data": [{"x": 1.0}]})
        assert scored.status_code == 500
        await bench.drop("faulty", "blue")

    on_bench(story)


def test_what_runs_is_adopted_and_what_changed_is_replaced(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        port = await bench.scorer("kept", "blue", "one")
        assert await bench.scorer("kept", "blue", "one") == port

        other = await bench.scorer("kept", "blue", "two")
        answer = await bench.http.post(f"http://127.0.0.1:{other}/score", json={"input_data": [{"x": 1.0}]})
        assert answer.json() == [2]
        await bench.drop("kept", "blue")
        assert await bench.runtime.zygote.find("scorer/dev/kept/blue") is None

    on_bench(story)
