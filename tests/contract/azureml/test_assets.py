"""Models, datastores, data and environments through the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.contract.azureml.conftest import AUTHOR, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure.ai.ml import MLClient

    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm


def test_a_workspace_says_where_it_is_and_where_mlflow_is(ml: MLClient) -> None:
    found = ml.workspaces.get("mlw-dev")

    assert found.location == "westeurope"
    assert "/mlflow/" in found.mlflow_tracking_uri


def test_each_workspace_has_its_datastores_and_uses_identity(ml: MLClient) -> None:
    names = {d.name for d in ml.datastores.list()}

    assert ml.datastores.get_default().name == "workspaceblobstore"
    assert {"workspaceblobstore", "workspaceartifactstore", "greenlight_frozen"} <= names
    assert ml.datastores.get("greenlight_frozen").container_name == "greenlight-frozen"


@pytest.mark.parametrize("kind", ["sas", "account_key"])
def test_a_datastore_with_secrets_serves_uploads(
    ml: MLClient, config: LocalConfig, tmp_path: Path, name: str, kind: str
) -> None:
    from azure.ai.ml.entities import AccountKeyConfiguration, AzureBlobDatastore, Data, SasTokenConfiguration

    from local.azureml.blobs import account_sas

    key = config.accounts["gldev"]
    secrets = {
        "sas": SasTokenConfiguration(sas_token=account_sas(config, "gldev")),
        "account_key": AccountKeyConfiguration(account_key=key),
    }
    store = AzureBlobDatastore(
        name=name, account_name="gldev", container_name="azureml-blobstore", credentials=secrets[kind]
    )
    ml.datastores.create_or_update(store)
    file = tmp_path / "rows.csv"
    file.write_text(f"a,b\n1,{name}\n")

    made = ml.data.create_or_update(Data(name=name, path=str(file), type="uri_file", datastore=name))

    assert f"/datastores/{name}/paths/" in made.path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's download uses deprecated calls
def test_a_folder_becomes_a_model_with_its_author_and_comes_back(
    ml: MLClient, model: Path, tmp_path: Path, name: str
) -> None:
    from azure.ai.ml.entities import Model

    made = ml.models.create_or_update(Model(name=name, path=str(model), type="mlflow_model", tags={"a": "1"}))
    ml.models.download(name, "1", download_path=str(tmp_path))

    assert (made.version, made.type, made.tags) == ("1", "mlflow_model", {"a": "1"})
    assert made.creation_context.created_by == AUTHOR
    assert made.job_name is None
    assert (tmp_path / name / model.name / "MLmodel").read_text() == (model / "MLmodel").read_text()


def test_versions_count_up_and_the_newest_is_latest(ml: MLClient, model: Path, name: str) -> None:
    from azure.ai.ml.entities import Model

    for _ in range(3):
        ml.models.create_or_update(Model(name=name, path=str(model), type="mlflow_model"))
    ml.models.create_or_update(Model(name=name, version="1.2.0", path=str(model), type="mlflow_model"))

    assert [m.version for m in ml.models.list(name)] == ["1.2.0", "3", "2", "1"]
    assert ml.models.get(name, label="latest").version == "1.2.0"
    assert next(m for m in ml.models.list() if m.name == name).latest_version == "1.2.0"


def test_tags_are_replaced_and_the_path_is_not(client: Callable[..., MLClient], name: str) -> None:
    from azure.ai.ml.entities import Model

    path = f"azureml://datastores/workspaceblobstore/paths/models/{name}"
    made = client().models.create_or_update(Model(name=name, path=path, type="custom_model", tags={"a": "1"}))
    changed = client(oid=OTHER)
    fetched = changed.models.get(name, "1")
    fetched.tags = {"b": "2"}
    after = changed.models.create_or_update(fetched)

    with pytest.raises(HttpResponseError, match="Asset paths cannot be updated"):
        changed.models.create_or_update(Model(name=name, version="1", path=f"{path}/other"))

    assert made.path.endswith(f"/datastores/workspaceblobstore/paths/models/{name}")
    assert after.tags == {"b": "2"}
    assert after.creation_context.created_by == AUTHOR
    assert after.creation_context.last_modified_by == OTHER


def test_an_archived_version_hides_until_it_is_restored(ml: MLClient, name: str) -> None:
    from azure.ai.ml.entities import Model

    ml.models.create_or_update(
        Model(name=name, path=f"azureml://datastores/workspaceblobstore/paths/{name}", type="custom_model")
    )
    ml.models.archive(name, "1")
    hidden = list(ml.models.list(name))
    ml.models.restore(name, "1")

    assert hidden == []
    assert [m.version for m in ml.models.list(name)] == ["1"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("azureml://datastores/nowhere/paths/x", "does not exist"),
        ("azureml://jobs/no-such-job/outputs/model", "does not exist"),
        ("azureml://datastores/workspaceblobstore/paths/a/../../b", "not valid"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(ml: MLClient, name: str, path: str, message: str) -> None:
    from azure.ai.ml.entities import Model

    with pytest.raises(HttpResponseError, match=message):
        ml.models.create_or_update(Model(name=name, path=path, type="custom_model"))

    with pytest.raises(ResourceNotFoundError):
        ml.models.get(name, "1")


def test_workspaces_do_not_see_each_other(client: Callable[..., MLClient], name: str) -> None:
    from azure.ai.ml.entities import Model

    path = f"azureml://datastores/workspaceblobstore/paths/{name}"
    client("dev").models.create_or_update(Model(name=name, path=path, type="custom_model"))

    with pytest.raises(ResourceNotFoundError):
        client("qa").models.get(name, "1")


def test_lists_are_paged(ml: MLClient, arm: Arm, config: LocalConfig, name: str) -> None:
    body = {"properties": {"modelUri": f"azureml://datastores/workspaceblobstore/paths/{name}"}}
    for version in range(1, 102):
        arm.ask("PUT", config.workspaces[0], f"/models/{name}/versions/{version}", body)

    assert [m.version for m in ml.models.list(name)] == [str(n) for n in range(101, 0, -1)]


def test_data_and_environments_are_versioned_assets(ml: MLClient, tmp_path: Path, name: str) -> None:
    from azure.ai.ml.entities import Data, Environment

    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n")
    data = ml.data.create_or_update(Data(name=name, path=str(file), type="uri_file", tags={"rows": "1"}))
    conda = {"name": "x", "dependencies": ["python=3.11"]}
    environment = ml.environments.create_or_update(Environment(name=name, image="scratch", conda_file=conda))

    assert (data.version, ml.data.get(name, label="latest").tags) == ("1", {"rows": "1"})
    assert environment.version == ml.environments.get(name, label="latest").version == "1"
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        ml.environments.create_or_update(Environment(name=name, version="1", image="other"))
