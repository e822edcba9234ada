"""Start, reload, stop: apps that cannot be loaded, timers, time limits, signals."""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.host.host_process import HostProcess


def test_app_that_cannot_be_loaded_ends_the_host_with_a_reason(make_host: Callable[..., HostProcess]) -> None:
    host = make_host()
    (host.root / "function_app.py").write_text("import no_such_module\n")
    host.start(wait=False)

    assert host.wait() == 3
    assert "No module named 'no_such_module' (function_app.py, line 1); no function exists" in host.log
    assert "Traceback" in host.log


def test_host_json_that_is_wrong(make_host: Callable[..., HostProcess]) -> None:
    host = make_host({"extensions.queues.batchSize": 64}).start(wait=False)

    assert host.wait() == 3
    assert "extensions.queues.batchSize must be a whole number 1–32, not 64" in host.log


def test_timer_runs_at_start_and_on_schedule(make_host: Callable[..., HostProcess]) -> None:
    host = make_host(SCHEDULE="*/1 * * * * *").start()

    ticks = wait_for(lambda: len(t := host.did("tick")) >= 4 and t, "four ticks")
    assert all(t["at"] % 1 < 0.5 for t in ticks[1:])
    assert not any(t["past_due"] for t in ticks)
    assert "tick" in host.log


def test_timer_never_overlaps_itself(make_host: Callable[..., HostProcess]) -> None:
    host = make_host(SCHEDULE="*/1 * * * * *", TICK_SECONDS="1.4").start()

    ticks = wait_for(lambda: len(t := host.did("tick")) >= 3 and t, "three ticks")
    assert all(later["at"] - earlier["at"] >= 1.4 for earlier, later in pairwise(ticks))


def test_timer_that_was_missed_is_past_due(make_host: Callable[..., HostProcess]) -> None:
    host = make_host(SCHEDULE="0 */5 * * * *").start()
    wait_for(lambda: host.did("tick"), "the first tick")
    host.stop()
    status = host.state / "timers" / "on_timer.json"
    status.write_text('{"Last": "2026-01-01T00:00:00+00:00", "Next": "2026-01-01T00:05:00+00:00"}')

    host.start()

    wait_for(lambda: host.did("tick", past_due=True), "a past-due tick")
    assert len(host.did("tick")) == 2


def test_timer_can_be_run_by_hand(make_host: Callable[..., HostProcess]) -> None:
    host = make_host().start()
    wait_for(lambda: len(host.did("tick")) == 1, "the tick at start")

    assert host.request("POST", f"/admin/functions/on_timer?code={host.key}", json={}).status_code == 202
    wait_for(lambda: len(host.did("tick")) == 2, "the one by hand")
    assert host.request("POST", "/admin/functions/on_timer", json={}).status_code == 401


def test_function_that_exceeds_its_time_takes_the_worker_down(make_host: Callable[..., HostProcess]) -> None:
    host = make_host({"functionTimeout": "00:00:01"}).start()

    assert host.request("GET", "/slow/30").status_code == 500
    wait_for(lambda: host.log.count("ready on") == 2, "a new worker")
    assert host.request("GET", "/items/1").status_code == 200
    assert not host.did("slow ends")
    assert "slow exceeded functionTimeout" in host.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_host_answers_the_request_in_flight(
    make_host: Callable[..., HostProcess], number: signal.Signals
) -> None:
    host = make_host().start()
    connection = host.open_request("/slow/1")
    wait_for(lambda: host.did("slow begins"), "the request is running")

    host.send_signal(number)

    assert connection.getresponse().read() == b"done"
    connection.close()
    assert host.wait() == 0


def test_stopping_host_gives_up_after_its_patience(make_host: Callable[..., HostProcess]) -> None:
    host = make_host()
    host.arguments = ("--drain", "0.5")
    host.start()
    connection = host.open_request("/slow/3")
    wait_for(lambda: host.did("slow begins"), "the request is running")

    began = time.monotonic()
    host.send_signal(signal.SIGTERM)
    host.wait()
    connection.close()

    assert time.monotonic() - began < 2.5
    assert "1 invocations were still running" in host.log


def test_caller_is_given_up_but_the_function_goes_on(make_host: Callable[..., HostProcess]) -> None:
    host = make_host()
    host.arguments = ("--answer", "0.3")
    host.start()

    assert host.request("GET", "/slow/1").status_code == 504
    wait_for(lambda: host.did("slow ends"), "the function comes to its end")
