"""Where everything in the local cloud listens and who is who: one frozen value, written once by the
supervisor to `<home>/config.json`, read by every service through the environment variable CONFIG_ENV.

Nothing here is secret: the account keys, tenant and people exist only inside the local cloud.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

CONFIG_ENV = "GREENLIGHT_LOCAL_CONFIG"
SUFFIX = "greenlight.test"  # RFC 6761 reserves .test; the proxy maps these names to loopback ports
STORAGE_SUFFIX = f"core.{SUFFIX}"
ARM_HOST = f"management.{SUFFIX}"
REGION = "westeurope"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"  # of the app and of dev
LATER_SUBSCRIPTION = "00000000-0000-4000-8000-000000000002"  # of every other environment
TENANT = "11111111-1111-4111-8111-111111111111"
APP_ACCOUNT = "glapp"  # the function app's own storage account

# Port offsets from the configured base.
PORTS = (
    "front",  # App Service Authentication stand-in: the product's public address
    "functions",  # the Functions host behind it
    "proxy",  # CONNECT proxy for *.greenlight.test
    "arm",  # Azure ML emulator (TLS)
    "router",  # scoring router (TLS)
    "router_http",  # the same router without TLS, for curl and load generators
    "identity",  # managed-identity endpoint
    "teams",
    "eventgrid",
    "blob",
    "queue",
    "table",
    "mlflow_dev",
    "mlflow_qa",
    "mlflow_prod",
    "eventgrid_tls",  # the same service for publishers, who reach it by a topic's host name
)


@dataclass(frozen=True)
class Person:
    """A made-up account of the local tenant."""

    key: str
    name: str
    oid: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


APPROVERS_GROUP = "22222222-0000-4000-8000-000000000001"
OPERATORS_GROUP = "22222222-0000-4000-8000-000000000002"
PEOPLE = (
    Person("author", "Ada Author", "33333333-0000-4000-8000-000000000001"),
    Person("ana", "Ana Approver", "33333333-0000-4000-8000-000000000002", groups=(APPROVERS_GROUP,)),
    Person("ben", "Ben Approver", "33333333-0000-4000-8000-000000000003", groups=(APPROVERS_GROUP,)),
    Person("olu", "Olu Operator", "33333333-0000-4000-8000-000000000004", groups=(OPERATORS_GROUP,)),
    Person("oscar", "Oscar Outsider", "33333333-0000-4000-8000-000000000005"),
)
APP_IDENTITY = "44444444-0000-4000-8000-000000000001"  # the function app's managed identity (object id)
DEPLOYER_IDENTITY = "44444444-0000-4000-8000-000000000003"  # the pipeline that deploys: owner of everything
JOB_IDENTITY = "44444444-0000-4000-8000-000000000002"  # what training jobs run as when nobody is named


@dataclass(frozen=True)
class Workspace:
    """One emulated workspace: its ARM names, and the storage account of its default datastore."""

    env: str
    name: str
    resource_group: str
    account: str
    subscription: str
    container: str = "azureml-blobstore"

    @property
    def id(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )


@dataclass(frozen=True)
class Registry:
    """The one emulated model registry: its ARM names, and the storage account that Azure makes for it."""

    name: str = "mlr-greenlight"
    resource_group: str = "rg-greenlight-registry"
    account: str = "glregistry"
    subscription: str = LATER_SUBSCRIPTION

    @property
    def id(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/registries/{self.name}"
        )

    @property
    def uri(self) -> str:
        return f"azureml://registries/{self.name}"


REGISTRY = Registry()


def _workspace(env: str) -> Workspace:
    return Workspace(env, f"mlw-{env}", f"rg-greenlight-{env}", f"gl{env}", subscription_of(env))


def subscription_of(env: str) -> str:
    return SUBSCRIPTION if env == "dev" else LATER_SUBSCRIPTION


@dataclass(frozen=True)
class LocalConfig:
    """The whole address book. `home` holds data, certificates, logs and pid files."""

    home: Path
    port_base: int = 7070
    environments: tuple[str, ...] = ("dev", "qa")
    pace: float = 10.0  # how much faster than real the product's waits run (never leases or deadlines)
    enforce_roles: bool = False  # the app may do what its custom roles allow, and nothing else
    package: Path | None = None  # the zip that the app runs from; None: the checkout

    def port(self, service: str) -> int:
        return self.port_base + PORTS.index(service)

    @property
    def workspaces(self) -> tuple[Workspace, ...]:
        return tuple(_workspace(env) for env in self.environments)

    @property
    def front_url(self) -> str:
        return f"http://localhost:{self.port('front')}"

    @property
    def arm_url(self) -> str:
        return f"https://{ARM_HOST}"

    @property
    def discovery_url(self) -> str:
        """Where registries are looked up; what it names is another host."""
        return f"https://discovery.{SUFFIX}"

    @property
    def proxy_url(self) -> str:
        return f"http://127.0.0.1:{self.port('proxy')}"

    @property
    def ca_cert(self) -> Path:
        """The local CA alone (for NODE_EXTRA_CA_CERTS and browsers)."""
        return self.home / "tls" / "ca.pem"

    @property
    def ca_bundle(self) -> Path:
        """certifi's roots plus the local CA (for REQUESTS_CA_BUNDLE and SSL_CERT_FILE)."""
        return self.home / "tls" / "bundle.pem"

    @property
    def server_cert(self) -> Path:
        """Certificate chain for every TLS service: wildcard names below SUFFIX, localhost, 127.0.0.1."""
        return self.home / "tls" / "server.pem"

    @property
    def server_key(self) -> Path:
        return self.home / "tls" / "server.key"

    @property
    def accounts(self) -> dict[str, str]:
        """Storage account -> key. Derived from the name: a fresh home needs no secret store."""
        names = [APP_ACCOUNT, REGISTRY.account, *(w.account for w in self.workspaces)]
        digests = {n: hashlib.sha512(f"greenlight {n}".encode()).digest() for n in names}
        return {n: base64.b64encode(digest).decode() for n, digest in digests.items()}

    def storage_url(self, account: str, service: str) -> str:
        """The address as Azure would write it; reached through the proxy."""
        return f"https://{account}.{service}.{STORAGE_SUFFIX}"

    def connection_string(self, account: str) -> str:
        """Path-style, straight to Azurite's ports (TLS, local CA): for the platform's own use only."""
        key = self.accounts[account]
        ends = "".join(
            f"{s.capitalize()}Endpoint=https://127.0.0.1:{self.port(s)}/{account};"
            for s in ("blob", "queue", "table")
        )
        return f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};{ends}"

    def client_env(self) -> dict[str, str]:
        """What any process needs to reach the local cloud by Azure's names."""
        return {
            CONFIG_ENV: str(self.home / "config.json"),
            "HTTPS_PROXY": self.proxy_url,
            "NO_PROXY": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": str(self.ca_bundle),
            "SSL_CERT_FILE": str(self.ca_bundle),
            "NODE_EXTRA_CA_CERTS": str(self.ca_cert),
        }

    def save(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        package = str(self.package) if self.package else None
        data = dataclasses.asdict(self) | {"home": str(self.home), "package": package}
        (self.home / "config.json").write_text(json.dumps(data, indent=1))

    @staticmethod
    def load(path: Path | None = None) -> LocalConfig:
        source = path or Path(os.environ[CONFIG_ENV])
        data = json.loads(source.read_text())
        package = Path(data["package"]) if data.get("package") else None
        places = {"home": Path(data["home"]), "package": package}
        return LocalConfig(**data | places | {"environments": tuple(data["environments"])})
