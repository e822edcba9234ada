"""What `WorkspacePort` promises, on the twin and on the emulator through azure-ai-ml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Busy, Conflict, Invalid, NotFound, Refused
from shared.model_uri import ModelUri
from shared.ports import Deployment, Endpoint, ModelVersion
from tests.contract.worlds import World

SIZE = {"instance_type": "Standard_DS3_v2", "instance_count": 1}


def register(world: World, name: str, version: str = "1", **changes: Any) -> ModelVersion:
    """A version of a model that can be deployed."""
    workspace = world.workspace("qa")
    path = f"models/{name}/{version}"
    world.model_files("qa", path)
    given: dict[str, Any] = {"type": "mlflow_model", "tags": {}, "properties": {}}
    uri = ModelUri("workspaceblobstore", path).uri(workspace.id)
    return workspace.register(name, version, uri=uri, **given | changes)


def at_rest(world: World, name: str) -> Endpoint:
    workspace = world.workspace("qa")

    def settled() -> Endpoint | None:
        found = workspace.endpoint(name)
        return found if found and found.state in ("Succeeded", "Failed") else None

    return world.until(settled, f"endpoint {name} is at rest")


def made_endpoint(world: World, stem: str) -> str:
    name = world.name(stem)
    world.workspace("qa").create_endpoint(name, tags={"greenlight": "titanic@qa"})
    assert at_rest(world, name).state == "Succeeded"
    return name


def deployed(
    world: World, endpoint: str, name: str, model: tuple[str, str], tags: Mapping[str, str] | None = None
) -> Deployment:
    workspace = world.workspace("qa")
    operation = workspace.create_deployment(endpoint, name, model=model, tags=tags or {}, **SIZE)
    at_rest(world, endpoint)
    found = {d.name: d for d in workspace.deployments(endpoint, {name: operation})}
    return found[name]


def shift(world: World, endpoint: str, weights: dict[str, int], tags: dict[str, str]) -> Endpoint:
    world.workspace("qa").write_traffic(endpoint, weights, tags)

    def observed() -> Endpoint | None:
        found = at_rest(world, endpoint)
        return found if found.traffic == {k: w for k, w in weights.items() if w} else None

    return world.until(observed, f"traffic of {endpoint} is {weights}")


# Models


def test_a_version_is_read_as_registered(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("read")
    assert workspace.model(name, "1.2.0") is None

    made = register(world, name, "1.2.0", tags={"run_id": "r1"}, properties={"digest": "d1"})

    found = workspace.model(name, "1.2.0")
    assert found == made
    assert (found.name, found.version, found.type) == (name, "1.2.0", "mlflow_model")
    assert (dict(found.tags), dict(found.properties)) == ({"run_id": "r1"}, {"digest": "d1"})
    assert ModelUri.parse(found.uri, workspace.id).path == f"models/{name}/1.2.0"
    assert found.created_by == world.identity
    assert found.created_at.tzinfo is not None
    assert not found.archived


def test_registering_again_replaces_tags_but_never_the_path(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("again")
    first = register(world, name, tags={"a": "1", "b": "2"})

    again = register(world, name, tags={"a": "3"})

    assert dict(again.tags) == {"a": "3"}
    assert again.created_at == first.created_at
    elsewhere = ModelUri("workspaceblobstore", "elsewhere").uri(workspace.id)
    with pytest.raises(Refused) as refused:
        workspace.register(name, "1", uri=elsewhere, type="mlflow_model", tags={}, properties={})
    assert refused.value.code == "AssetPathChanged"
    assert workspace.model(name, "1") == again


def test_a_path_that_is_not_azureml_is_never_taken_for_a_local_folder(world: World) -> None:
    with pytest.raises(Invalid):
        world.workspace("qa").register("any", "1", uri=".", type="custom_model", tags={}, properties={})


def test_the_next_version_is_one_more_than_the_largest_number(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("next")
    assert workspace.next_version(name) == "1"
    for version in ("2", "10", "1.2.0"):
        register(world, name, version)

    assert workspace.next_version(name) == "11"


def test_models_since_gives_the_oldest_matching_first(world: World) -> None:
    workspace, name, other = world.workspace("qa"), world.name("since"), world.name("other")
    made = [register(world, name, "2"), register(world, name, "1"), register(world, other, "1")]
    start = made[0].created_at

    found = workspace.models_since(lambda n: n == name, start, 10)
    assert [(m.name, m.version) for m in found] == [(name, "2"), (name, "1")]
    assert [m.version for m in workspace.models_since(lambda n: n == name, start, 1)] == ["2"]
    later = start + timedelta(days=1)
    assert workspace.models_since(lambda n: n == name, later, 10) == []


# Endpoints


def test_an_endpoint_is_created_once_with_its_mark(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("ep-new")
    assert workspace.endpoint(name) is None

    assert workspace.create_endpoint(name, tags={"greenlight": "titanic@qa"}).startswith("https://")

    found = at_rest(world, name)
    assert (found.state, dict(found.traffic), dict(found.tags)) == (
        "Succeeded",
        {},
        {"greenlight": "titanic@qa"},
    )
    assert found.auth_mode == "key"
    assert found.scoring_uri == f"https://{name}.{world.scoring_host}/score"
    assert workspace.scoring_key(name)
    with pytest.raises(Refused) as refused:
        workspace.create_endpoint(name, tags={})
    assert refused.value.code == "EndpointExists"


def test_an_endpoint_name_belongs_to_one_workspace_of_the_region(world: World) -> None:
    name = made_endpoint(world, "ep-taken")

    with pytest.raises(Refused):
        world.workspace("dev").create_endpoint(name, tags={})


@pytest.mark.parametrize("name", ["ab", "1abc", "a_b_c", "abc-", "a" * 33, "ünicode"])
def test_an_illegal_name_is_refused_before_anything_is_sent(world: World, name: str) -> None:
    workspace = world.workspace("qa")
    with pytest.raises(Invalid):
        workspace.create_endpoint(name, tags={})
    with pytest.raises(Invalid):
        workspace.create_deployment("any-endpoint", name, model=("m", "1"), tags={}, **SIZE)


def test_what_does_not_exist_is_not_found_or_none(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("ep-none")
    assert workspace.endpoint(name) is None
    for call in (
        lambda: workspace.deployments(name),
        lambda: workspace.scoring_key(name),
        lambda: workspace.logs(name, "v1-1"),
        lambda: workspace.write_traffic(name, {}, {}),
        lambda: workspace.create_deployment(name, "v1-1", model=("m", "1"), tags={}, **SIZE),
    ):
        with pytest.raises(NotFound):
            call()
    assert workspace.delete_deployment(name, "v1-1") == ""
    assert workspace.delete_endpoint(name) == ""


# Deployments and traffic


def test_blue_green_from_first_deployment_to_the_old_ones_removal(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("titanic")
    register(world, name, "1")
    register(world, name, "2")
    endpoint = made_endpoint(world, "ep-story")

    blue = deployed(world, endpoint, "v1-100", (name, "1"), {"promotion": "p1"})
    assert (blue.state, blue.model, blue.error) == ("Succeeded", (name, "1"), "")
    assert (blue.instance_type, blue.instance_count) == ("Standard_DS3_v2", 1)
    assert dict(blue.tags) == {"promotion": "p1"}
    assert at_rest(world, endpoint).traffic == {}

    shift(world, endpoint, {"v1-100": 100}, {"prod": "v1-100", "left": "over"})
    deployed(world, endpoint, "v2-200", (name, "2"))
    assert at_rest(world, endpoint).traffic == {"v1-100": 100}
    with pytest.raises(Refused):
        workspace.delete_deployment(endpoint, "v1-100")

    swapped = shift(world, endpoint, {"v1-100": 0, "v2-200": 100}, {"prod": "v2-200"})
    assert (swapped.traffic, dict(swapped.tags)) == ({"v2-200": 100}, {"prod": "v2-200"})

    assert workspace.delete_deployment(endpoint, "v1-100")
    world.until(lambda: len(workspace.deployments(endpoint)) == 1, "v1-100 is gone")
    assert workspace.delete_deployment(endpoint, "v1-100") == ""

    at_rest(world, endpoint)
    assert workspace.delete_endpoint(endpoint)
    world.until(lambda: workspace.endpoint(endpoint) is None, "the endpoint is gone")


def test_an_endpoint_in_an_operation_takes_no_other_one(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("busy")
    register(world, name)
    world.slow_model("qa", name)
    endpoint = made_endpoint(world, "ep-busy")

    workspace.create_deployment(endpoint, "v1-100", model=(name, "1"), tags={}, **SIZE)

    assert [(d.name, d.state) for d in workspace.deployments(endpoint)] == [("v1-100", "Creating")]
    found = workspace.endpoint(endpoint)
    assert found is not None
    assert found.state == "Updating"
    with pytest.raises(Busy):
        workspace.write_traffic(endpoint, {}, {})
    with pytest.raises(Busy):
        workspace.create_deployment(endpoint, "v1-200", model=(name, "1"), tags={}, **SIZE)
    at_rest(world, endpoint)


def test_a_deployment_name_is_never_used_twice(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("twice")
    register(world, name)
    endpoint = made_endpoint(world, "ep-twice")
    deployed(world, endpoint, "v1-100", (name, "1"))

    with pytest.raises(Refused) as refused:
        workspace.create_deployment(endpoint, "v1-100", model=(name, "1"), tags={}, **SIZE)

    assert refused.value.code == "DeploymentExists"


def test_traffic_that_the_platform_does_not_take_changes_nothing(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("weights")
    register(world, name)
    endpoint = made_endpoint(world, "ep-weights")
    deployed(world, endpoint, "v1-100", (name, "1"))
    before = shift(world, endpoint, {"v1-100": 100}, {"prod": "v1-100"})

    for weights in ({"v1-100": 50}, {"v1-100": 60, "nobody": 40}, {"v1-100": 101}):
        with pytest.raises(Refused):
            workspace.write_traffic(endpoint, weights, {"prod": "nobody"})
    with pytest.raises(Conflict):
        workspace.write_traffic(endpoint, {}, {}, expect={"v1-100": 90})

    assert at_rest(world, endpoint) == before
    workspace.write_traffic(endpoint, {"v1-100": 100}, {"prod": "same"}, expect={"v1-100": 100})
    assert dict(at_rest(world, endpoint).tags) == {"prod": "same"}


def test_a_deployment_that_fails_says_why_and_keeps_its_name(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("broken")
    register(world, name)
    world.break_model("qa", name, "1", "ImageBuildFailure")
    endpoint = made_endpoint(world, "ep-broken")

    broken = deployed(world, endpoint, "v1-100", (name, "1"))

    assert (broken.state, broken.error) == ("Failed", "ImageBuildFailure: told to fail")
    assert [d.error for d in workspace.deployments(endpoint)] == [""]
    with pytest.raises(Refused):
        workspace.create_deployment(endpoint, "v1-100", model=(name, "1"), tags={}, **SIZE)
    assert workspace.delete_deployment(endpoint, "v1-100")


def test_a_model_that_does_not_exist_fails_its_deployment(world: World) -> None:
    endpoint = made_endpoint(world, "ep-nomodel")

    found = deployed(world, endpoint, "v1-100", (world.name("never"), "1"))

    assert found.state == "Failed"
    assert found.error
