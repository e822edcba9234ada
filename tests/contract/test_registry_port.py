"""What a workspace with a registry's models promises, on the twin and on the emulator.

In the cloud the versions come there as they do in Azure: the SDK shares them from a workspace.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.digest import files_below
from shared.errors import Forbidden, NotFound
from shared.model_uri import ModelUri
from shared.ports import CopyState, WorkspacePort
from tests.contract.sharing import SHARER
from tests.contract.worlds import World

SIZE = {"instance_type": "Standard_DS3_v2", "instance_count": 1}
ADDRESS = "azureml://registries/mlr-greenlight"


def test_a_shared_version_is_read_with_its_address_there(world: World) -> None:
    source, name = world.sourced(), world.name("shared")
    assert source.model(name, "3") is None
    began = world.now()

    world.share(name, "3", {"run_id": "r1"})

    found = source.model(name, "3")
    assert found is not None
    assert (found.name, found.version, found.type) == (name, "3", "mlflow_model")
    assert found.uri == f"{ADDRESS}/models/{name}/versions/3"
    assert dict(found.tags) == {"run_id": "r1"}
    assert (found.job_name, found.created_by, found.archived) == (None, SHARER, False)
    assert abs(found.created_at - began) < timedelta(minutes=2)


def test_the_listing_is_of_the_registry_oldest_first_without_archived_ones(world: World) -> None:
    source, name, other = world.sourced(), world.name("listed"), world.name("unlisted")
    for version in ("2", "1", "3"):
        world.share(name, version)
    world.share(other, "1")
    world.archive_shared(name, "3")
    first = source.model(name, "2")
    assert first is not None

    def listed(**how: int) -> list[str]:
        since = first.created_at + timedelta(days=how.get("days", 0))
        return [m.version for m in source.models_since(lambda n: n == name, since, how.get("limit", 10))]

    assert (listed(), listed(limit=1), listed(days=1)) == (["2", "1"], ["2"], [])
    archived = source.model(name, "3")
    assert archived is not None
    assert archived.archived


def test_its_files_are_opened_by_a_signature_for_reading_and_copying(world: World) -> None:
    source, name = world.sourced(), world.name("signed")
    world.share(name, "1")

    place = source.files(f"{ADDRESS.replace('mlr', 'MLR')}/models/{name}/versions/1")

    assert (place.account, bool(place.sas)) == ("glregistry", True)
    assert place.sas not in f"{place!r}"
    theirs = world.storage.container(place.account, place.container, place.sas)
    files = dict(files_below(theirs, place.path))
    blob = files["MLmodel"]
    assert b"flavors:" in theirs.read(blob, 0, blob.size)
    frozen = world.workspace("qa").datastore("greenlight_frozen")
    ours = world.storage.container(frozen.account, frozen.container)
    target = f"{world.name('frozen')}/MLmodel"
    assert ours.copy_from(theirs, blob, target) is CopyState.DONE
    (copied,) = ours.list(target)
    assert ours.read(copied, 0, copied.size) == theirs.read(blob, 0, blob.size)


def test_the_signature_opens_that_container_and_writes_nothing(world: World) -> None:
    source, name = world.sourced(), world.name("narrow")
    world.share(name, "1")
    world.share(f"{name}x", "1")
    place, other = (source.files(f"{ADDRESS}/models/{n}/versions/1") for n in (name, f"{name}x"))

    assert place.container != other.container
    with pytest.raises(Forbidden) as refused:
        world.storage.container(other.account, other.container, place.sas).list("")
    assert place.sas not in str(refused.value)
    with pytest.raises(Forbidden):
        world.storage.container(place.account, place.container, place.sas).put("new", b"x", "text/plain")


def test_what_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.sourced().files(f"{ADDRESS}/models/{world.name('never')}/versions/1")


def test_paths_of_the_workspace_itself_are_still_read(world: World) -> None:
    source, dev = world.sourced(), world.workspace("dev")
    path = world.name("own")
    world.write("dev", f"{path}/MLmodel", b"flavors: {}")

    place = source.files(ModelUri("workspaceblobstore", path).uri(dev.id))

    assert (place.path, place.sas) == (path, "")
    assert [b.size for b in world.storage.container(place.account, place.container).list(f"{path}/")] == [11]


def deployed(world: World, workspace: WorkspacePort, endpoint: str, name: str, model: str) -> None:
    workspace.create_deployment(endpoint, name, model=(model, "1"), tags={}, **SIZE)  # type: ignore[arg-type]

    def over() -> bool:
        found = {d.name: d.state for d in workspace.deployments(endpoint)}
        settled = workspace.endpoint(endpoint)
        return found[name] != "Creating" and settled is not None and settled.state == "Succeeded"

    world.until(over, f"{name} is over")


def test_a_deployment_runs_what_the_registry_has_and_is_read_as_such(world: World) -> None:
    source, dev, name, endpoint = (
        world.sourced(),
        world.workspace("dev"),
        world.name("served"),
        world.name("ep-reg"),
    )
    world.share(name, "1")
    path = f"own/{name}"
    world.model_files("dev", path)
    if dev.model(name, "1") is None:
        uri = ModelUri("workspaceblobstore", path).uri(dev.id)
        dev.register(name, "1", uri=uri, type="mlflow_model", tags={}, properties={})
    source.create_endpoint(endpoint, tags={})
    world.until(lambda: (found := source.endpoint(endpoint)) and found.state == "Succeeded", "it is there")

    deployed(world, source, endpoint, "shared", name)
    deployed(world, dev, endpoint, "own", name)

    assert {d.name: (d.state, d.model) for d in source.deployments(endpoint)} == {
        "shared": ("Succeeded", (name, "1")),
        "own": ("Succeeded", None),
    }
    assert {d.name: d.model for d in dev.deployments(endpoint)} == {"shared": None, "own": (name, "1")}
    source.delete_endpoint(endpoint)


def test_a_version_that_the_registry_does_not_have_fails_its_deployment(world: World) -> None:
    source, endpoint = world.sourced(), world.name("ep-none")
    source.create_endpoint(endpoint, tags={})
    world.until(lambda: (found := source.endpoint(endpoint)) and found.state == "Succeeded", "it is there")

    deployed(world, source, endpoint, "never", world.name("never"))

    assert [d.state for d in source.deployments(endpoint)] == ["Failed"]
    source.delete_endpoint(endpoint)
