"""The function app's settings in the local cloud: what Bicep writes in Azure, with local addresses."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from local.config import APP_ACCOUNT, OPERATORS_GROUP, PEOPLE, STORAGE_SUFFIX, SUFFIX, TENANT
from shared import channel_tokens

if TYPE_CHECKING:
    from local.config import LocalConfig

ROOT = Path(__file__).resolve().parent.parent
SECRETS = ("link", "journal", "identity")


def settings(config: LocalConfig) -> dict[str, str]:
    """Environment of the functions host."""
    from local import teams  # only here: the other verbs of the command line need no web framework
    from local.azureml.grid import OWN_ENDPOINT

    own = secrets_of(config)
    return {
        "GREENLIGHT_CONFIG": "greenlight.yaml",
        "GREENLIGHT_BASE_URL": config.front_url,
        **_connection(config, "GREENLIGHT_STORAGE"),
        **{f"GREENLIGHT_{w.env.upper()}_WORKSPACE": w.id for w in config.workspaces},
        "GREENLIGHT_ARM_ENDPOINT": config.arm_url,
        "GREENLIGHT_STORAGE_SUFFIX": STORAGE_SUFFIX,
        "GREENLIGHT_SCORING_SUFFIX": f"inference.{SUFFIX}",
        "GREENLIGHT_REGISTRY_DISCOVERY": config.discovery_url,
        "GREENLIGHT_REGISTRY_HOSTS": SUFFIX,
        "GREENLIGHT_TEAMS_WEBHOOK": teams.webhook_url(config),
        "GREENLIGHT_EVENTS_TOPIC": OWN_ENDPOINT,
        "GREENLIGHT_LINK_KEYS": own["link"],
        "GREENLIGHT_JOURNAL_KEY": own["journal"],
        "GREENLIGHT_TENANT": TENANT,
        "GREENLIGHT_APPROVER_1": f"{TENANT}/{_oid('ana')}",
        "GREENLIGHT_APPROVER_2": f"{TENANT}/{_oid('ben')}",
        "GREENLIGHT_OPERATORS_GROUP": OPERATORS_GROUP,
        "GREENLIGHT_BRIDGE_KEY": channel_tokens.public_key(bridge_key(config)),
        "GREENLIGHT_PACE": f"{config.pace:g}",
        "GREENLIGHT_SWEEP_SCHEDULE": "0 * * * * *",
        "WEBSITE_AUTH_ENABLED": "True",
        **identity(config),
        **_connection(config, "AzureWebJobsStorage"),
        "AzureWebJobsDisableHomepage": "true",
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }


def _oid(person: str) -> str:
    return next(p.oid for p in PEOPLE if p.key == person)


def _connection(config: LocalConfig, name: str) -> dict[str, str]:
    """An identity-based connection: addresses, no keys."""
    services = ("blob", "queue", "table")
    uris = {f"{name}__{s}ServiceUri": config.storage_url(APP_ACCOUNT, s) for s in services}
    return uris | {f"{name}__credential": "managedidentity"}


def secrets_of(config: LocalConfig) -> dict[str, str]:
    """Made at the first start, kept for the next: links and the journal outlive a restart."""
    path = config.home / "secrets.json"
    if not path.exists():
        config.home.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({name: secrets.token_urlsafe(32) for name in SECRETS}))
        fresh.replace(path)  # never half a file
    return json.loads(path.read_text())


def bridge_key(config: LocalConfig) -> str:
    """The private key of the channel `bridge` of greenlight.yaml, which no service of the cloud reads."""
    path = config.home / "channels" / "bridge.pem"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(channel_tokens.new_key())
        fresh.replace(path)
    return path.read_text()


def identity(config: LocalConfig) -> dict[str, str]:
    """What App Service tells an app about its managed identity."""
    return {
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{config.port('identity')}/msi/token",
        "IDENTITY_HEADER": secrets_of(config)["identity"],
    }


def local_settings(config: LocalConfig) -> str:
    """The same as a local.settings.json, for those who run Azure Functions Core Tools instead."""
    values = settings(config) | config.client_env()
    return json.dumps({"IsEncrypted": False, "Values": values}, indent=2)
