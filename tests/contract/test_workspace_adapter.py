"""What only the real adapter can get wrong: waiting, writing twice, overrunning, misreading answers."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from local import faults
from shared.arm_id import WorkspaceId
from shared.azure import credential
from shared.blobs import Storage
from shared.clock import SystemClock
from shared.errors import Busy, Conflict, Forbidden, NotFound, Unavailable, Unknown
from shared.ports import WorkspacePort
from shared.workspace import Workspace
from tests.contract import sdk
from tests.contract.worlds import LOCAL, CloudWorld
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.config import LocalConfig

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("contract")]
DEADLINE = 3.0


@pytest.fixture
def qa(config: LocalConfig, opened: dict[str, WorkspacePort]) -> Iterator[WorkspacePort]:
    """The product's own client, and no fault left behind."""
    sdk.load()
    if not opened:
        opened.update(CloudWorld.open(config))
    yield opened["qa"]
    faults.clear(config)


@pytest.fixture
def hurried(config: LocalConfig) -> Workspace:
    """A client of qa with a short deadline."""
    sdk.load()
    place = next(w for w in config.workspaces if w.env == "qa")
    return Workspace(WorkspaceId.parse(place.id), LOCAL, credential(LOCAL), timeout=DEADLINE)


def writes(config: LocalConfig, name: str) -> list[str]:
    """Methods of the writes that reached the platform for endpoint `name`."""
    answer = requests.get(
        f"https://127.0.0.1:{config.port('arm')}/-/calls", verify=str(config.ca_bundle), timeout=5
    )
    return [c["method"] for c in answer.json() if c["path"].endswith(f"/{name}") and c["method"] != "GET"]


def gone(workspace: WorkspacePort, name: str) -> None:
    """Delete an endpoint, at rest or not yet there."""

    def deleted() -> bool:
        try:
            workspace.delete_endpoint(name)
        except Busy:
            return False
        return workspace.endpoint(name) is None

    eventually(deleted, 30, f"{name} is deleted")


def test_a_write_returns_at_acceptance_and_leaves_nothing_polling(
    qa: WorkspacePort, config: LocalConfig
) -> None:
    faults.add(config, {"on": "operation", "verb": "endpoint_put", "endpoint": "ad-wait", "seconds": 2})
    assert qa.endpoint("ad-wait") is None  # the first call makes the client
    began = time.monotonic()

    qa.create_endpoint("ad-wait", tags={})

    assert time.monotonic() - began < 2
    found = qa.endpoint("ad-wait")
    assert found is not None
    assert found.state == "Creating"
    assert not [t.name for t in threading.enumerate() if t.name.startswith("LROPoller")]
    assert writes(config, "ad-wait") == ["PUT"]
    eventually(lambda: qa.endpoint("ad-wait").state == "Succeeded", 30, "it ends without us")  # type: ignore[union-attr]
    gone(qa, "ad-wait")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"status": 503}, Unavailable),
        ({"status": 500}, Unavailable),
        ({"status": 429, "retry_after": 7}, Busy),
        ({"status": 409}, Busy),
        ({"status": 403}, Forbidden),
    ],
)
def test_a_refused_write_is_sent_once(
    qa: WorkspacePort, config: LocalConfig, told: dict[str, int], expected: type[Exception]
) -> None:
    name = f"ad-refused-{told['status']}"
    faults.add(config, {"on": "arm", "method": "PUT", "path": f"*/onlineEndpoints/{name}", **told})

    with pytest.raises(expected) as raised:
        qa.create_endpoint(name, tags={})

    assert writes(config, name) == ["PUT"]
    if expected is Busy and "retry_after" in told:
        assert raised.value.after == 7  # type: ignore[attr-defined]


def test_a_write_whose_answer_is_lost_is_unknown_and_not_repeated(
    qa: WorkspacePort, config: LocalConfig
) -> None:
    faults.add(config, {"on": "arm", "method": "PUT", "path": "*/onlineEndpoints/ad-lost", "lost": True})

    with pytest.raises(Unknown):
        qa.create_endpoint("ad-lost", tags={})

    assert writes(config, "ad-lost") == ["PUT"]
    assert qa.endpoint("ad-lost") is not None
    gone(qa, "ad-lost")


def test_a_call_ends_at_its_deadline(hurried: Workspace, config: LocalConfig) -> None:
    hurried.endpoint("ad-slow")  # makes the client
    faults.add(config, {"on": "arm", "method": "PUT", "path": "*/onlineEndpoints/ad-slow", "delay": 6})
    began = time.monotonic()

    with pytest.raises(Unknown):
        hurried.create_endpoint("ad-slow", tags={})

    assert DEADLINE - 1 < time.monotonic() - began < DEADLINE + 1
    faults.clear(config)


def test_a_write_is_not_sent_when_its_reads_used_the_time_up(hurried: Workspace, config: LocalConfig) -> None:
    hurried.endpoint("ad-late")
    faults.add(config, {"on": "arm", "method": "GET", "path": "*/workspaces/mlw-qa", "delay": DEADLINE - 0.3})

    with pytest.raises(Unavailable, match="used up"):
        hurried.create_endpoint("ad-late", tags={})

    assert writes(config, "ad-late") == []
    faults.clear(config)


def test_nobody_listens(config: LocalConfig, hurried: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the emulator's port, with nothing behind it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    with pytest.raises(Unavailable):
        hurried.endpoint("any-endpoint")


def test_a_container_that_does_not_exist_is_not_found(config: LocalConfig) -> None:
    storage = Storage(LOCAL, credential(LOCAL), SystemClock())
    place = next(w for w in config.workspaces if w.env == "qa")

    with pytest.raises(NotFound):
        storage.container(place.account, "never-was").list("")


def test_somebody_elses_change_between_look_and_write_is_a_conflict(qa: WorkspacePort) -> None:
    qa.create_endpoint("ad-foreign", tags={})
    eventually(lambda: qa.endpoint("ad-foreign").state == "Succeeded", 30, "it is at rest")  # type: ignore[union-attr]

    with pytest.raises(Conflict):
        qa.write_traffic("ad-foreign", {}, {"prod": "v1"}, expect={"v0": 100})

    assert qa.endpoint("ad-foreign").tags == {}  # type: ignore[union-attr]
    gone(qa, "ad-foreign")
