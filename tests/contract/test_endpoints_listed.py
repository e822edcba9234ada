"""What `WorkspacePort.endpoints` promises: all of the workspace by name, each as `endpoint` tells it."""

from __future__ import annotations

from shared.ports import Endpoint
from tests.contract.test_workspace_port import at_rest, deployed, made_endpoint, register, shift
from tests.contract.worlds import World


def listed(world: World, env: str, *names: str) -> dict[str, Endpoint]:
    """Those of the test's own: suites share one cloud."""
    return {e.name: e for e in world.workspace(env).endpoints() if e.name in names}


def test_every_endpoint_is_listed_as_it_is_read_alone(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("listed")
    register(world, name, "1")
    serving = made_endpoint(world, "ep-serving")
    deployed(world, serving, "v1-100", (name, "1"))
    shift(world, serving, {"v1-100": 100}, {"greenlight_slot": "titanic@qa", "prod": "v1-100"})
    empty = world.name("ep-bare")
    workspace.create_endpoint(empty, tags={})
    at_rest(world, empty)

    found = listed(world, "qa", serving, empty)

    assert found == {serving: workspace.endpoint(serving), empty: workspace.endpoint(empty)}
    assert found[serving].traffic == {"v1-100": 100}
    assert dict(found[serving].tags) == {"greenlight_slot": "titanic@qa", "prod": "v1-100"}
    assert (found[empty].traffic, dict(found[empty].tags)) == ({}, {})


def test_they_come_by_name_and_only_from_their_workspace(world: World) -> None:
    later, earlier = made_endpoint(world, "ep-zz"), made_endpoint(world, "ep-aa")

    names = [e.name for e in world.workspace("qa").endpoints()]

    assert names == sorted(names)
    assert {later, earlier} <= set(names)
    assert listed(world, "dev", later, earlier) == {}


def test_one_that_is_being_made_is_listed_and_a_deleted_one_is_not(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("ep-going")
    workspace.create_endpoint(name, tags={})
    assert set(listed(world, "qa", name)) == {name}
    at_rest(world, name)

    workspace.delete_endpoint(name)

    world.until(lambda: not listed(world, "qa", name), f"endpoint {name} is listed no more")
