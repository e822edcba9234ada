"""What `RegionPort` promises: instance types, cores in use, and rights, as the real SDK and ARM tell them."""

from __future__ import annotations

from shared.ports import WorkspacePort
from shared.rights import ACTIONS, missing
from tests.contract.test_workspace_port import deployed, made_endpoint, register
from tests.contract.worlds import World

DS3 = "Standard_DS3_v2"
FAMILY = "standardDSv2Family"


def cores_in_use(workspace: WorkspacePort, family: str) -> int:
    (row,) = [row for row in workspace.core_usages() if row.family == family]
    assert row.limit is not None
    assert row.limit >= row.used
    return row.used


def test_a_workspace_knows_its_region_as_its_endpoints_hosts_name_it(world: World) -> None:
    assert world.scoring_host.startswith(f"{world.workspace('qa').region()}.")


def test_instance_types_have_a_family_and_cores(world: World) -> None:
    sizes = {size.name: size for size in world.workspace("qa").vm_sizes()}

    assert (sizes[DS3].family, sizes[DS3].cores) == (FAMILY, 4)
    assert list(sizes) == sorted(sizes)
    assert "Standard_Nowhere" not in sizes


def test_a_deployment_takes_a_fifth_more_cores_than_it_runs_on(world: World) -> None:
    workspace = world.workspace("qa")
    name = world.name("cores")
    register(world, name)
    endpoint = made_endpoint(world, "ep-cores")
    before = {family: cores_in_use(workspace, family) for family in (FAMILY, "")}

    deployed(world, endpoint, "v1-100", (name, "1"))

    after = {family: cores_in_use(workspace, family) for family in (FAMILY, "")}
    assert {family: after[family] - before[family] for family in after} == {FAMILY: 8, "": 8}


def test_rights_are_summed_up_for_the_caller(world: World) -> None:
    workspace = world.workspace("qa")
    assert missing(workspace.granted()) == ()

    write = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/write"
    world.forbid("qa", write.upper())

    assert write in ACTIONS
    assert missing(workspace.granted()) == (write,)
