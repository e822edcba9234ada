"""The product's adapter publishes to the local topic, which refuses what the one of infra/ would."""

from __future__ import annotations

import json
import ssl
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure.core.credentials import AccessToken

from local import faults, identity
from local.config import APP_IDENTITY, JOB_IDENTITY
from local.eventgrid import own
from local.eventgrid.service import topic_key
from orchestrator.notices import event_of
from shared.asking import Asking
from shared.errors import Forbidden, Refused
from shared.notify.eventgrid import EventTopics, cloud_event
from tests.edges.telling import asking, ending
from tests.edges.world import BASE, World
from tests.local.host.host_process import wait_for
from tests.local.host.test_eventgrid_publish import CLOUD, GOOD

if TYPE_CHECKING:
    from tests.local.host.grid_process import Endpoint, GridProcess

pytestmark = pytest.mark.usefixtures("proxy", "empty")


@pytest.fixture
def empty(grid: GridProcess) -> None:
    """The process is that of other tests, too."""
    (grid.config.home / "eventgrid" / f"{own.NAME}.jsonl").unlink(missing_ok=True)


class As:
    """Tokens of the local tenant."""

    def __init__(self, grid: GridProcess, who: str, audience: str = own.AUDIENCE) -> None:
        self._token = identity.issue_token(grid.config, who, audience)
        self.asked: set[str] = set()

    def get_token(self, *scopes: str, **_more: Any) -> AccessToken:
        self.asked |= set(scopes)
        return AccessToken(self._token, int(time.time()) + 600)


def publish(grid: GridProcess, *events: Any, who: str = APP_IDENTITY, audience: str = own.AUDIENCE) -> None:
    EventTopics(Asking(As(grid, who, audience), timeout=10.0))(own.ENDPOINT, *events)


def test_events_are_taken_kept_and_delivered(grid: GridProcess, endpoint: Endpoint) -> None:
    grid.subscribe(endpoint, topic=own.NAME, eventDeliverySchema="CloudEventSchemaV1_0")
    told = [event_of(telling, base_url=BASE) for telling in (asking(World()), ending(World()))]
    strange = cloud_event(
        source=BASE, name="strange", kind="t", subject="s", at=World().now, data={"said": "line\u2028 end\n"}
    )

    for event in (*told, strange):
        publish(grid, event)

    assert own.published(grid.config) == [*told, strange]
    got = wait_for(lambda: len(endpoint.received) == 3 and endpoint.received, "three events")
    assert {r.body["id"]: r.body["data"] for r in got} == {e["id"]: e["data"] for e in [*told, strange]}


def test_only_who_has_the_role_may_publish(grid: GridProcess) -> None:
    with pytest.raises(Forbidden, match="does not have permission to send data"):
        publish(grid, CLOUD, who=JOB_IDENTITY)
    with pytest.raises(Forbidden, match="the token was refused"):
        publish(grid, CLOUD, audience="https://storage.azure.com")
    rule = faults.add(grid.config, {"on": "role", "role": "EventGrid Data Sender", "absent": True})
    with pytest.raises(Forbidden, match="does not have permission to send data"):
        publish(grid, CLOUD)
    faults.remove(grid.config, rule)
    publish(grid, CLOUD)

    assert [event["id"] for event in own.published(grid.config)] == ["1"]


def test_a_batch_of_none_asks_without_publishing(grid: GridProcess) -> None:
    with pytest.raises(Refused, match="no events"):
        publish(grid)
    with pytest.raises(Forbidden):
        publish(grid, who=JOB_IDENTITY)

    assert own.published(grid.config) == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "by_key"),
    [
        (401, [CLOUD], "application/cloudevents-batch+json", True),
        (400, [CLOUD], "application/json", False),
        (400, CLOUD, "application/cloudevents-batch+json", False),
        (400, [GOOD], "application/cloudevents-batch+json", False),
        (200, CLOUD, "application/cloudevents+json; charset=utf-8", False),
    ],
)
def test_the_topic_takes_no_keys_and_cloud_events_alone(
    grid: GridProcess, status: int, body: Any, kind: str, by_key: bool
) -> None:
    token = As(grid, APP_IDENTITY).get_token().token
    proof = {"aeg-sas-key": topic_key(own.NAME)} if by_key else {"Authorization": f"Bearer {token}"}
    content = json.dumps(body)
    with httpx.Client(verify=ssl.create_default_context(cafile=grid.config.ca_bundle)) as client:
        answer = client.post(own.ENDPOINT, content=content, headers={"Content-Type": kind, **proof})

    assert answer.status_code == status
    assert len(own.published(grid.config)) == (1 if status == 200 else 0)
