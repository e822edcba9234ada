"""The processes of the local cloud: what starts each, what it waits for, and how one sees that it is usable.

A service whose module does not exist is left out, so that parts can be run alone.
"""

from __future__ import annotations

import http.client
import importlib.util
import socket
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local import appsettings, package, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.config import LocalConfig

READY_PATH = "/-/ready"
PROBE_SECONDS = 2.0


def nothing(_config: LocalConfig) -> None:
    """Most services need no preparation."""


def no_environment(_config: LocalConfig) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Service:
    """One row of the table. `ports` are keys of config.PORTS that the process listens on.

    `runs` is a module, or what makes the command line of another program.
    """

    name: str
    runs: str | Callable[[LocalConfig], list[str]]
    ports: tuple[str, ...]
    ready: Callable[[LocalConfig], bool]
    environment: Callable[[LocalConfig], Mapping[str, str]] = no_environment
    after: tuple[str, ...] = ()
    prepare: Callable[[LocalConfig], None] = nothing  # once ready, before those that come after it start
    restart: bool = False  # the platform starts it again when it dies
    quiet: bool = False  # its log is for looking things up, not for reading along


def answers(port: str, *, tls: bool = False, path: str = READY_PATH) -> Callable[[LocalConfig], bool]:
    """Probe: GET on that port says 200. An own client, so that no proxy setting can interfere."""

    def probe(config: LocalConfig) -> bool:
        return _status(config, port, tls=tls, path=path) == http.HTTPStatus.OK

    return probe


def _status(config: LocalConfig, port: str, *, tls: bool, path: str) -> int | None:
    address = ("127.0.0.1", config.port(port))
    if tls:
        context = ssl.create_default_context(cafile=str(config.ca_cert))
        connection = http.client.HTTPSConnection(*address, timeout=PROBE_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(*address, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _azurite_ready(config: LocalConfig) -> bool:
    """It has no health page: any answer at all, a refusal included, says that it listens."""
    return all(_status(config, s, tls=True, path="/") is not None for s in ("blob", "queue", "table"))


def _zygote_ready(config: LocalConfig) -> bool:
    from local.azureml.zygote.protocol import socket_path

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PROBE_SECONDS)
        return client.connect_ex(str(socket_path(config))) == 0


def _functions(config: LocalConfig) -> list[str]:
    return package.command(config) if config.package else [sys.executable, "-m", "local.functions"]


def _functions_environment(config: LocalConfig) -> Mapping[str, str]:
    own = {"PYTHONPATH": package.path(config)} if config.package else {}
    return {**appsettings.settings(config), **own}


SERVICES = (
    Service(
        "azurite",
        storage.command,
        ("blob", "queue", "table"),
        _azurite_ready,
        environment=storage.environment,
        prepare=storage.provision,
        quiet=True,
    ),
    Service(
        "gateway",
        "local.gateway",
        ("proxy", "identity", "front", "teams"),
        answers("identity"),
        environment=appsettings.identity,
    ),
    Service("zygote", "local.azureml.zygote", (), _zygote_ready),
    Service("router", "local.azureml.router", ("router", "router_http"), answers("router_http")),
    Service(
        "eventgrid",
        "local.eventgrid",
        ("eventgrid", "eventgrid_tls"),
        answers("eventgrid"),
        after=("azurite", "functions"),
    ),
    Service(
        "azureml",
        "local.azureml",
        ("arm", "mlflow_dev", "mlflow_qa", "mlflow_prod"),
        answers("arm", tls=True),
        after=("azurite",),  # it waits for the zygote itself, whose imports take the longest
    ),
    Service(
        "functions",
        _functions,
        ("functions",),
        answers("functions"),
        environment=_functions_environment,
        after=("azurite", "gateway"),
        restart=True,
    ),
)


def command(service: Service, config: LocalConfig) -> list[str]:
    return [sys.executable, "-m", service.runs] if isinstance(service.runs, str) else service.runs(config)


def existing(services: tuple[Service, ...] = SERVICES) -> tuple[Service, ...]:
    return tuple(s for s in services if not isinstance(s.runs, str) or _runnable(s.runs))


def _runnable(module: str) -> bool:
    try:
        spec = importlib.util.find_spec(module)
        package = spec is not None and spec.submodule_search_locations is not None
        return (importlib.util.find_spec(f"{module}.__main__") if package else spec) is not None
    except ModuleNotFoundError:
        return False
