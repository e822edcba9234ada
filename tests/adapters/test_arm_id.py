"""Ids of workspaces: parsed once, compared as Azure does, and a typo is named by its segment."""

from __future__ import annotations

import pytest

from shared.arm_id import WorkspaceId
from shared.errors import Invalid

GUID, OTHER = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
ML = "providers/Microsoft.MachineLearningServices/workspaces"
PLACE = f"/subscriptions/{GUID}/resourceGroups/rg-ml/{ML}/mlw-dev"


@pytest.mark.parametrize("text", [PLACE, PLACE + "/", PLACE.removeprefix("/"), PLACE.upper(), PLACE.lower()])
def test_case_and_slashes_at_the_ends_do_not_matter(text: str) -> None:
    found = WorkspaceId.parse(text)

    assert found == WorkspaceId.parse(PLACE)
    assert hash(found) == hash(WorkspaceId.parse(PLACE))


@pytest.mark.parametrize(("part", "instead"), [(GUID, OTHER), ("rg-ml", "rg-ml-2"), ("mlw-dev", "mlw-dev2")])
def test_the_same_name_elsewhere_is_another_workspace(part: str, instead: str) -> None:
    """Two workspaces may be called alike in two subscriptions or groups."""
    assert WorkspaceId.parse(PLACE.replace(part, instead)) != WorkspaceId.parse(PLACE)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (PLACE.replace("subscriptions", "subscription"), "segment 1 is 'subscription', not 'subscriptions'"),
        (PLACE.replace(GUID, GUID[:-1]), f"<subscription> '{GUID[:-1]}' must be a GUID"),
        (PLACE.replace(GUID, "my-subscription"), "<subscription> 'my-subscription' must be a GUID"),
        (
            PLACE.replace("resourceGroups", "resourceGroup"),
            "segment 3 is 'resourceGroup', not",
        ),
        (PLACE.replace("rg-ml", "rg ml"), "<resource group> 'rg ml' must be"),
        (PLACE.replace("rg-ml", ""), "<resource group> '' must be"),
        (PLACE.replace("rg-ml", "a/b"), "segment 5 is 'b', not 'providers'"),
        (PLACE.replace("Learning", "Lerning"), "segment 6 is 'Microsoft.MachineLerningServices', not"),
        (PLACE.replace("workspaces", "workspace"), "segment 7 is 'workspace', not 'workspaces'"),
        (PLACE.replace("mlw-dev", "ml dev"), "<workspace> 'ml dev' must be 3 to 33"),
        (PLACE.removesuffix("/mlw-dev"), "it ends before '<workspace>'"),
        (PLACE + "/models/m", "nothing may follow the workspace's name, but 'models' does"),
        (PLACE + "\n", r"<workspace> 'mlw-dev\\n' must be"),
        ("mlw-dev", "segment 1 is 'mlw-dev', not 'subscriptions'"),
        ("", "segment 1 is '', not 'subscriptions'"),
        ("@Microsoft.KeyVault(SecretUri=x)", "segment 1 is '@Microsoft.KeyVault"),
    ],
)
def test_a_typo_is_named(text: str, wrong: str) -> None:
    with pytest.raises(Invalid, match="is not the id of a workspace") as told:
        WorkspaceId.parse(text)

    assert wrong.replace("\\\\", "\\") in str(told.value)
