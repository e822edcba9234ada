"""Event Grid with a pace or a life of its own: schedule, expiry, kills, the subscription it comes with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.local.host.grid_process import ML, event
from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.host.grid_process import Endpoint, GridProcess
    from tests.local.host.host_process import HostProcess


def test_schedule_is_the_documented_one_divided_by_the_pace(
    make_grid: Callable[..., GridProcess], endpoint: Endpoint
) -> None:
    grid = make_grid(pace=20.0)
    endpoint.statuses = [500, 500]
    grid.subscribe(endpoint)
    grid.publish(event("e1"))

    wait_for(lambda: endpoint.received, "the first attempt")
    first = time.monotonic()
    wait_for(lambda: len(endpoint.received) == 2, "the second")
    second = time.monotonic()
    wait_for(lambda: len(endpoint.received) == 3, "the third")

    assert 0.4 <= second - first <= 1.2  # 10 s
    assert 1.3 <= time.monotonic() - second <= 2.4  # 30 s


def test_event_outlives_its_time(make_grid: Callable[..., GridProcess], endpoint: Endpoint) -> None:
    """Without a dead-letter destination it is dropped, and the log says so."""
    grid = make_grid(pace=60.0)
    endpoint.statuses = [500] * 20
    grid.subscribe(endpoint, retryPolicy={"eventTimeToLiveInMinutes": 1})
    grid.publish(event("e1"))

    wait_for(lambda: not grid.pending, "dropped")
    assert "dropped after" in grid.log
    assert "TimeToLiveExceeded" in grid.log


def test_what_was_accepted_survives_a_kill(make_grid: Callable[..., GridProcess], endpoint: Endpoint) -> None:
    grid = make_grid(pace=10.0)
    endpoint.statuses = [503]
    grid.subscribe(endpoint)
    grid.publish(event("e1"), event("e2"))
    wait_for(lambda: any(d["attempts"] for d in grid.pending), "a failed attempt")

    grid.kill()
    make_grid(pace=10.0)

    wait_for(
        lambda: {r.body[0]["id"] for r in endpoint.received[1:]} >= {"e1", "e2"}, "both, after the restart"
    )


def test_endpoint_in_trouble_gets_new_events_later(
    make_grid: Callable[..., GridProcess], endpoint: Endpoint
) -> None:
    grid = make_grid(pace=10.0)
    endpoint.statuses = [404] * 50
    grid.subscribe(endpoint)
    grid.publish(*(event(f"e{n}") for n in range(10)))
    wait_for(lambda: len(endpoint.received) >= 10, "ten failures")
    wait_for(lambda: all(d["attempts"] for d in grid.pending), "all of them recorded")

    grid.publish(event("late"))

    late = next(d for d in grid.pending if d["id"] == "late")
    assert late["attempts"] == 0
    assert late["dueIn"] > 10


def test_default_subscription_reaches_a_function_that_starts_later(
    make_grid: Callable[..., GridProcess], make_host: Callable[..., HostProcess]
) -> None:
    """Registered models and completed runs of the first workspace, nothing else; keys are looked up."""
    grid = make_grid(pace=10.0)
    grid.publish(event("early"), event("deployed", eventType=f"{ML}.ModelDeployed"))
    host = make_host()
    source = host.root / "function_app.py"
    source.write_text(source.read_text().replace("def on_event(", "def on_model_event("))
    host.port = grid.config.port("front")
    host.url = f"http://127.0.0.1:{host.port}"
    host.state = grid.config.home / "functions"
    host.start()

    wait_for(lambda: host.did("event", id="early"), "the event that waited")
    grid.publish(event("later", eventType=f"{ML}.RunCompleted", subject="experiments/a/runs/b"))
    wait_for(lambda: host.did("event", id="later"), "the next one")
    assert not host.did("event", id="deployed")
    assert host.keys["system_keys"]["eventgrid_extension"] not in grid.log
    kept = (grid.config.home / "eventgrid" / "subscriptions.json").read_text()
    assert host.keys["system_keys"]["eventgrid_extension"] not in kept
