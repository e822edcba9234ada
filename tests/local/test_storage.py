"""Azurite as the local cloud runs it: by Azure's names, by identity, and the two repairs in azurite.cjs."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.data.tables import TableServiceClient, TableTransactionError
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from azure.storage.queue import QueueServiceClient

from local import appsettings, storage
from local.cloud import Cloud
from local.config import APP_ACCOUNT, LocalConfig
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.data.tables import TableClient

DATA = b"model" * 1000
CONTAINER = "azureml-blobstore"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Storage and the edge alone; this process as a client of theirs, with the app's identity."""
    with (
        tempfile.TemporaryDirectory(prefix="gl-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as environment,
    ):
        config = LocalConfig(home=Path(folder), port_base=free_port_base())
        with Cloud(config, only=("azurite", "gateway")) as running:
            for name, value in (config.client_env() | appsettings.identity(config)).items():
                environment.setenv(name, value)
            yield running


def blobs(cloud: Cloud, account: str) -> BlobServiceClient:
    return BlobServiceClient(cloud.config.storage_url(account, "blob"), ManagedIdentityCredential())


@pytest.fixture
def source(cloud: Cloud) -> Iterator[str]:
    """A blob of dev's account, and its address with a signature made from a user delegation key."""
    with blobs(cloud, "gldev") as dev:
        blob = dev.get_blob_client(CONTAINER, "models/a b+c/ä.pkl")
        blob.upload_blob(DATA, overwrite=True)
        now, minute = datetime.datetime.now(datetime.UTC), datetime.timedelta(minutes=1)
        key = dev.get_user_delegation_key(now - 5 * minute, now + 60 * minute)
        signature = generate_container_sas(
            "gldev",
            CONTAINER,
            user_delegation_key=key,
            permission=ContainerSasPermissions(read=True),
            expiry=now + 30 * minute,
        )
        yield f"{blob.url}?{signature}"


@pytest.fixture
def table(cloud: Cloud) -> Iterator[TableClient]:
    address = cloud.config.storage_url(APP_ACCOUNT, "table")
    with TableServiceClient(address, credential=ManagedIdentityCredential()) as service:
        yield service.get_table_client("slots")


def test_everything_the_app_expects_is_there(cloud: Cloud) -> None:
    address = cloud.config.storage_url
    credential = ManagedIdentityCredential()
    with (
        TableServiceClient(address(APP_ACCOUNT, "table"), credential=credential) as tables,
        QueueServiceClient(address(APP_ACCOUNT, "queue"), credential=credential) as queues,
        blobs(cloud, "glqa") as qa,
    ):
        assert {t.name for t in tables.list_tables()} == set(storage.TABLES)
        assert {q.name for q in queues.list_queues()} == {*storage.QUEUES, *storage.POISON}
        assert storage.FROZEN in {c.name for c in qa.list_containers()}


@pytest.mark.parametrize("sync", [True, False])
def test_a_copy_between_accounts_runs_on_the_server(cloud: Cloud, source: str, sync: bool) -> None:
    with blobs(cloud, "glqa") as qa:
        target = qa.get_blob_client(storage.FROZEN, f"copied/{sync}")

        target.start_copy_from_url(source, requires_sync=sync, match_condition=MatchConditions.IfMissing)

        assert target.get_blob_properties().copy.status == "success"
        assert target.download_blob().readall() == DATA
        with pytest.raises(ResourceExistsError):
            target.start_copy_from_url(source, requires_sync=sync, match_condition=MatchConditions.IfMissing)


def test_a_copy_of_a_changed_source_is_refused(cloud: Cloud, source: str) -> None:
    pinned = {"source_etag": '"0x1"', "source_match_condition": MatchConditions.IfNotModified}
    with blobs(cloud, "glqa") as qa, pytest.raises(ResourceModifiedError):
        qa.get_blob_client(storage.FROZEN, "changed").start_copy_from_url(source, **pinned)


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda url: url.partition("?")[0], 403),  # no signature
        (lambda url: url.replace("sig=", "sig=A"), 403),
        (lambda url: url.replace("models", "none"), 404),
        (lambda url: url.replace("gldev.blob.core.greenlight.test", "elsewhere.example.com"), 404),
    ],
)
def test_a_copy_of_what_one_may_not_read_is_refused(
    cloud: Cloud, source: str, spoil: Callable[[str], str], status: int
) -> None:
    with blobs(cloud, "glqa") as qa, pytest.raises(HttpResponseError) as refusal:
        qa.get_blob_client(storage.FROZEN, "refused").start_copy_from_url(spoil(source))

    assert (refusal.value.status_code, refusal.value.error_code) == (status, "CannotVerifyCopySource")


def test_a_transaction_commits_whole_or_not_at_all(table: TableClient) -> None:
    key = "it's a key, ü"
    table.submit_transaction([("create", {"PartitionKey": key, "RowKey": r, "n": 1}) for r in ("1", "2")])
    old = table.get_entity(key, "1").metadata["etag"]
    fresh = {"match_condition": MatchConditions.IfNotModified, "etag": old}
    raised = [
        ("update", {"PartitionKey": key, "RowKey": "1", "n": 2}, fresh),
        ("create", {"PartitionKey": key, "RowKey": "3"}),
    ]
    table.submit_transaction(raised)

    with pytest.raises(TableTransactionError) as refusal:
        table.submit_transaction([("delete", {"PartitionKey": key, "RowKey": "2"}), raised[0]])

    assert (refusal.value.status_code, refusal.value.index) == (412, 1)
    rows = table.query_entities("PartitionKey eq @key", parameters={"key": key})
    assert {row["RowKey"]: row.get("n") for row in rows} == {"1": 2, "2": 1, "3": None}
