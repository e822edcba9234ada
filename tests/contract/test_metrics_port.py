"""What `MetricsPort` promises: on the twin, and from Azure Monitor's answers about real scoring processes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.ports import DeploymentHealth
from tests.contract.test_workspace_port import deployed, made_endpoint, register, shift
from tests.contract.worlds import World

ASKED = 12


def health(world: World, endpoint: str, since: datetime, *names: str) -> Mapping[str, DeploymentHealth]:
    return world.metrics.health(world.workspace("qa").id, endpoint, names, since, world.now())


def counted(world: World, endpoint: str, since: datetime, *names: str) -> DeploymentHealth:
    """The first one's, once all that was asked is there: metrics come late."""

    def all_there() -> DeploymentHealth | None:
        told = health(world, endpoint, since, *names).get(names[0])
        return told if told and told.requests >= ASKED else None

    found = world.until(all_there, f"{ASKED} requests counted")
    assert found is not None
    return found


def test_a_deployment_that_was_asked_has_its_requests_and_the_others_are_left_out(world: World) -> None:
    name = world.name("counted")
    register(world, name)
    endpoint = made_endpoint(world, "ep-counted")
    deployed(world, endpoint, "v1-100", (name, "1"))
    shift(world, endpoint, {"v1-100": 100}, {})

    since = world.asked("qa", endpoint, ASKED)
    found = counted(world, endpoint, since, "v1-100", "v0-1")

    assert (found.requests, dict(found.errors)) == (ASKED, {})
    assert found.p95_ms is not None
    assert found.p95_ms > 0
    assert set(health(world, endpoint, since, "v1-100", "v0-1")) == {"v1-100"}


def test_a_model_that_fails_counts_as_424(world: World) -> None:
    name = world.name("failing")
    world.failing_model("qa", name)
    register(world, name)
    endpoint = made_endpoint(world, "ep-failing")
    deployed(world, endpoint, "v1-100", (name, "1"))
    shift(world, endpoint, {"v1-100": 100}, {})

    found = counted(world, endpoint, world.asked("qa", endpoint, ASKED), "v1-100")

    assert (found.requests, dict(found.errors)) == (ASKED, {"424": ASKED})


def test_nobody_answers_for_an_endpoint_that_is_not_there_or_before_a_minute_is_over(world: World) -> None:
    now = world.now()

    assert health(world, "ep-nowhere", now - timedelta(minutes=5), "v1-100") == {}
    assert world.metrics.health(world.workspace("qa").id, "ep-nowhere", ["v1-100"], now, now) == {}
