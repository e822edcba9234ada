"""Azure Storage on the laptop: Azurite, one account per workspace and one for the function app.

`provision` makes what Bicep makes in Azure. Data lives in `<home>/azurite` and survives a restart.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from local import npm
from local.config import APP_ACCOUNT, LocalConfig

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = ("slots", "open", "endpoints", "sources", "deadletters")
QUEUES = ("wakes", "approval-requests", "approval-decisions")
POISON = tuple(f"{queue}-poison" for queue in ("wakes", "approval-decisions"))
CONTAINERS = ("evidence", "deadletters", "eventgrid-deadletter", "anchors")
FROZEN = "greenlight-frozen"  # the container of a workspace's account that only Greenlight writes
ARTIFACTS = "azureml"  # where the platform keeps job outputs


def command(config: LocalConfig) -> list[str]:
    """The command line that serves all three services, TLS on loopback only."""
    ports = (("blob", "--blobPort"), ("queue", "--queuePort"), ("table", "--tablePort"))
    return [
        npm.node().node,
        str(npm.FOLDER / "azurite.cjs"),
        *(word for service, option in ports for word in (option, str(config.port(service)))),
        *("--location", str(config.home / "azurite")),
        *("--cert", str(config.server_cert), "--key", str(config.server_key)),
        *("--oauth", "basic"),  # bearer tokens: issuer, audience and lifetime are checked
        "--skipApiVersionCheck",  # the SDKs are newer than the emulator
        "--disableTelemetry",
    ]


def environment(config: LocalConfig) -> dict[str, str]:
    accounts = ";".join(f"{name}:{key}" for name, key in config.accounts.items())
    return {"AZURITE_ACCOUNTS": accounts, "GREENLIGHT_AZURITE_BLOB_PORT": str(config.port("blob"))}


def provision(config: LocalConfig) -> None:
    """Create tables, queues and containers that do not exist yet."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(make) for make in (*_app(config), *_workspaces(config))]:
            done.result()


def _app(config: LocalConfig) -> list[Callable[[], object]]:
    from azure.data.tables import TableServiceClient
    from azure.storage.queue import QueueServiceClient

    connection = config.connection_string(APP_ACCOUNT)
    tables = TableServiceClient.from_connection_string(connection, **_direct(config))
    queues = QueueServiceClient.from_connection_string(connection, **_direct(config))
    return [
        *(_absent(tables.create_table, name) for name in TABLES),
        *(_absent(queues.create_queue, name) for name in (*QUEUES, *POISON)),
        *_containers(config, APP_ACCOUNT, CONTAINERS),
    ]


def _workspaces(config: LocalConfig) -> list[Callable[[], object]]:
    return [
        make
        for workspace in config.workspaces
        for make in _containers(config, workspace.account, (workspace.container, FROZEN, ARTIFACTS))
    ]


def _containers(config: LocalConfig, account: str, names: tuple[str, ...]) -> list[Callable[[], object]]:
    from azure.storage.blob import BlobServiceClient

    blobs = BlobServiceClient.from_connection_string(config.connection_string(account), **_direct(config))
    return [_absent(blobs.create_container, name) for name in names]


def _direct(config: LocalConfig) -> dict[str, Any]:
    """Straight to loopback, whatever proxy the user's own environment names."""
    return {"connection_verify": str(config.ca_bundle), "use_env_settings": False}


def _absent(create: Callable[[str], object], name: str) -> Callable[[], object]:
    from azure.core.exceptions import ResourceExistsError

    def make() -> None:
        with contextlib.suppress(ResourceExistsError):  # a restart keeps its data
            create(name)

    return make
