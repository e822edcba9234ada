"""The registry through the SDK: what it shares it finds, lists and downloads there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from local.config import REGISTRY, STORAGE_SUFFIX
from tests.contract import sdk
from tests.contract.azureml.conftest import AUTHOR, Credential

if TYPE_CHECKING:
    from pathlib import Path

    from azure.ai.ml import MLClient

    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm

PLANE = f"/mferp/managementfrontend{REGISTRY.id}"
VERSION = {"api-version": "2021-10-01-dataplanepreview"}


@pytest.fixture
def ml(config: LocalConfig) -> MLClient:
    """A client of dev whose words are not held to types: of sharing there are none published."""
    sdk.load()
    from azure.ai.ml import MLClient

    base, dev = config.arm_url, config.workspaces[0]
    metadata = {
        "azure_portal": base,
        "resource_manager": base,
        "active_directory": base,
        "aml_resource_id": base,
        "storage_endpoint": STORAGE_SUFFIX,
        "registry_discovery_endpoint": f"{base}/",
    }
    return MLClient(
        *(Credential(config, AUTHOR), dev.subscription, dev.resource_group, dev.name),
        cloud="greenlight-local",
        cloud_metadata=metadata,
        enable_telemetry=False,
        show_progress=False,
    )


def shared(ml: MLClient, folder: Path, name: str) -> Any:
    """A folder, registered in dev and shared under another number."""
    from azure.ai.ml.entities import Model

    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "data" / "model.pkl").write_bytes(name.encode())
    ml.models.create_or_update(
        Model(name=name, version="1", path=str(folder), type="custom_model", tags={"run_id": "r1"})
    )
    return ml.models.share(
        name, "1", share_with_name=name, share_with_version="7", registry_name=REGISTRY.name
    )


def reader(config: LocalConfig, ml: MLClient) -> MLClient:
    """A client of the registry, made as a user would: `ml` has told the SDK which cloud this is."""
    from azure.ai.ml import MLClient

    assert ml.workspace_name
    return MLClient(Credential(config, AUTHOR), registry_name=REGISTRY.name, enable_telemetry=False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK downloads as storage no longer likes it
def test_what_is_shared_is_found_listed_and_downloaded(
    ml: MLClient, config: LocalConfig, tmp_path: Path, name: str
) -> None:
    made = shared(ml, tmp_path / "model", name)

    registry = reader(config, ml)
    found = registry.models.get(name, "7")
    assert found.id == made.id == f"{REGISTRY.uri}/models/{name}/versions/7"
    assert (found.type, dict(found.tags)) == ("custom_model", {"run_id": "r1"})
    assert [m.version for m in registry.models.list(name)] == ["7"]
    assert name in {m.name for m in registry.models.list()}
    registry.models.download(name, "7", str(tmp_path / "there"))
    (file,) = (tmp_path / "there").rglob("model.pkl")
    assert file.read_bytes() == name.encode()


def test_a_number_is_shared_once(ml: MLClient, tmp_path: Path, name: str) -> None:
    from azure.ai.ml.exceptions import ValidationException

    shared(ml, tmp_path / "model", name)

    with pytest.raises(ValidationException, match="already exists in registry"):
        ml.models.share(name, "1", share_with_name=name, share_with_version="7", registry_name=REGISTRY.name)


def test_what_is_not_there_is_refused(ml: MLClient, config: LocalConfig, name: str) -> None:
    with pytest.raises(ResourceNotFoundError):
        reader(config, ml).models.get(name, "1")
    with pytest.raises(HttpResponseError):
        ml.models.share(name, "9", share_with_name=name, share_with_version="9", registry_name=REGISTRY.name)
    with pytest.raises((ResourceNotFoundError, ClientAuthenticationError)):
        ml.models.share(name, "1", share_with_name=name, share_with_version="1", registry_name="never-was")


@pytest.mark.parametrize("wrong", ["assetId", "blobUri"])
def test_a_reference_is_for_who_names_both_the_version_and_its_place(
    arm: Arm, ml: MLClient, tmp_path: Path, name: str, wrong: str
) -> None:
    shared(ml, tmp_path / "model", name)
    where = arm.get(f"{PLANE}/models/{name}/versions/7", params=VERSION).json()
    asked = {"assetId": where["id"], "blobUri": where["properties"]["modelUri"]}
    url = f"{PLANE}/datarefs/{name}/versions/7"

    assert arm.post(url, params=VERSION, json=asked).status_code == 200
    assert arm.post(url, params=VERSION, json=asked | {wrong: "another"}).status_code == 400


def test_the_plane_has_manners(arm: Arm) -> None:
    elsewhere = PLANE.replace(REGISTRY.name, "mlr-other")

    assert arm.get(f"{elsewhere}/models", params=VERSION).json()["error"]["code"] == "RegistryNotFound"
    assert arm.get(f"{PLANE}/models", params=VERSION, headers={"Authorization": ""}).status_code == 401
    assert arm.get(f"{PLANE}/models", params={"api-version": "x"}).status_code == 400
    assert arm.delete(f"{PLANE}/models", params=VERSION).status_code == 405
