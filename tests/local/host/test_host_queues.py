"""Queue triggers against a real Azurite: deletion, retries, poison queues, encodings, leases, kill -9."""

from __future__ import annotations

import base64
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.host.host_process import HostProcess, Storage


def hidden_and_visible(storage: Storage, name: str) -> tuple[int, int]:
    """Messages of a queue: all of them, hidden ones included; and those that can be taken now."""
    queue = storage.queue_client(name)
    return queue.get_queue_properties().approximate_message_count or 0, len(queue.peek_messages(32))


def test_message_is_handled_and_deleted(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host().start()
    azurite.queue_client("jobs").send_message("héllo <&>")

    wait_for(lambda: host.did("job ends", body="héllo <&>"), "the job is done")
    wait_for(lambda: hidden_and_visible(azurite, "jobs") == (0, 0), "the message is deleted")
    begun = host.did("job begins")[0]
    assert begun["tries"] == 1
    assert begun["inserted"].endswith("+00:00")


def test_failing_message_is_tried_and_moved_to_the_poison_queue(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host().start()
    azurite.queue_client("jobs").send_message("fail")

    wait_for(lambda: host.did("poison", body="fail"), "the poison function has it")
    assert [n["tries"] for n in host.did("job begins", body="fail")] == [1, 2, 3]
    wait_for(lambda: hidden_and_visible(azurite, "jobs") == (0, 0), "gone from the queue itself")


def test_failed_message_waits_for_the_visibility_timeout(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host({"extensions.queues.visibilityTimeout": "00:01:00"}).start()
    azurite.queue_client("jobs").send_message("fail")

    wait_for(lambda: "on_job FAILED" in host.log, "the first try")
    wait_for(lambda: "id" in host.log and hidden_and_visible(azurite, "jobs") == (1, 0), "hidden again")
    assert len(host.did("job begins")) == 1


def test_base64_is_decoded_and_what_is_not_base64_is_poison_at_once(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host(
        {"extensions.queues.messageEncoding": "base64"}, **{"AzureWebJobs.on_poison.Disabled": "true"}
    ).start()
    queue = azurite.queue_client("jobs")
    queue.send_message(base64.b64encode(b"packed").decode())
    queue.send_message("not base64!")

    wait_for(lambda: host.did("job ends", body="packed"), "the packed job")
    wait_for(lambda: hidden_and_visible(azurite, "jobs-poison") == (1, 1), "the other one in poison")
    assert azurite.queue_client("jobs-poison").peek_messages()[0].content == "not base64!"
    assert len(host.did("job begins")) == 1


def test_at_most_batch_and_threshold_run_at_once(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host(
        {"extensions.queues.batchSize": 1, "extensions.queues.newBatchThreshold": 0},
        PYTHON_THREADPOOL_THREAD_COUNT="8",
    )
    queue = azurite.queue_client("jobs")
    for _ in range(3):
        queue.send_message("sleep 0.2")
    host.start()

    wait_for(lambda: len(host.did("job ends")) == 3, "three jobs")
    order = [line.split('"')[3] for line in host.journal.read_text().splitlines() if "job" in line]
    assert order == ["job begins", "job ends"] * 3


def test_lease_is_renewed_while_the_function_runs(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host(LOCAL_FUNCTIONS_LEASE_SECONDS="1").start()
    azurite.queue_client("jobs").send_message("sleep 3.5")

    wait_for(lambda: host.did("job ends"), "the long job")
    wait_for(lambda: hidden_and_visible(azurite, "jobs") == (0, 0), "deleted with the renewed receipt")
    assert len(host.did("job begins")) == 1


def test_killed_worker_leaves_its_message_hidden_for_ten_minutes(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host().start()
    azurite.queue_client("jobs").send_message("die")

    assert host.wait() == 9
    assert hidden_and_visible(azurite, "jobs") == (1, 0)
    begun = host.did("job begins")[0]
    until = time.mktime(time.strptime(begun["visible"][:19], "%Y-%m-%d %H:%M:%S"))
    inserted = time.mktime(time.strptime(begun["inserted"][:19], "%Y-%m-%d %H:%M:%S"))
    assert 595 <= until - inserted <= 615


def test_message_of_a_killed_host_comes_back_when_its_lease_ends(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host(LOCAL_FUNCTIONS_LEASE_SECONDS="2").start()
    azurite.queue_client("jobs").send_message("sleep 1.5")
    wait_for(lambda: host.did("job begins"), "the job has begun")

    host.send_signal(signal.SIGKILL)
    assert host.wait() == -signal.SIGKILL
    host.start()

    wait_for(lambda: host.did("job ends"), "the second try")
    assert [n["tries"] for n in host.did("job begins")] == [1, 2]


def test_stopping_host_finishes_what_it_has_begun(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host().start()
    azurite.queue_client("jobs").send_message("sleep 1")
    wait_for(lambda: host.did("job begins"), "the job has begun")

    assert host.stop() == 0
    assert host.did("job ends")
    assert hidden_and_visible(azurite, "jobs") == (0, 0)


def test_host_outlives_an_absent_queue_service(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    """Listeners complain once and go on; the app answers meanwhile."""
    host = make_queue_host(QUEUE="not-there-yet").start()
    wait_for(lambda: "404 QueueNotFound" in host.log, "a complaint")

    azurite.queue("not-there-yet").send_message("late")

    wait_for(lambda: host.did("job ends", body="late"), "handled once the queue exists")
    assert host.log.count("queue not-there-yet cannot be read") == 1


def test_queue_output_sends_what_the_function_set(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    host = make_queue_host().start()

    assert host.request("POST", "/send/jobs", content="from output").status_code == 202
    wait_for(lambda: host.did("job ends", body="from output"), "the trigger got it")


def test_waiting_costs_little_and_answers_fast(
    make_queue_host: Callable[..., HostProcess], azurite: Storage
) -> None:
    """Two queues polled at half a second: below 5 % of a core, and a message waits at most a poll."""
    host = make_queue_host().start()
    queue = azurite.queue_client("jobs")
    delays = []
    for n in range(8):
        sent = time.monotonic()
        queue.send_message(f"job {n}")
        wait_for(lambda n=n: host.did("job ends", body=f"job {n}"), f"job {n}")
        delays.append(time.monotonic() - sent)
    assert max(delays) < 0.5 * 1.2 + 0.3, delays

    before, began = host.cpu_seconds(), time.monotonic()
    wait_for(lambda: time.monotonic() - began > 3, "three idle seconds")
    assert host.cpu_seconds() - before < 0.05 * (time.monotonic() - began)


@pytest.mark.parametrize("missing", ["", "AccountName=x;"])
def test_unusable_connection_is_named_at_start(make_host: Callable[..., HostProcess], missing: str) -> None:
    host = make_host(STORE=missing).start(wait=False)

    assert host.wait() == 3
    assert "connection STORE" in host.log
    assert os.environ.get("STORE") is None
