"""Names that the platform accepts."""

from __future__ import annotations

import re

from local.azureml.refusals import inference_invalid, invalid

ASSET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}")  # the pattern in the published types
VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_.]{0,254}")  # the SDK names an inline environment by a SHA-256
DATASTORE = re.compile(r"[a-z0-9_]{1,255}")
SERVING = re.compile(r"[a-zA-Z](?:-?[a-zA-Z0-9])+")


def check_asset(name: str, what: str) -> str:
    if not ASSET.fullmatch(name):
        raise invalid(
            f"{what} name '{name}' is invalid. It must begin with a letter or digit, contain letters, "
            "digits, dashes and underscores only, and have at most 255 characters.",
            "name",
        )
    return name


def check_version(version: str) -> str:
    if not VERSION.fullmatch(version):
        raise invalid(f"Version '{version}' is invalid.", "version")
    return version


def check_datastore(name: str) -> str:
    if not DATASTORE.fullmatch(name):
        raise invalid(f"Datastore name '{name}' may contain lower-case letters, digits and '_' only.", "name")
    return name


def check_serving(name: str, what: str) -> str:
    """Endpoints and deployments; both are host names or parts of them."""
    if not 3 <= len(name) <= 32 or not SERVING.fullmatch(name):
        raise inference_invalid(
            f"{what} name '{name}' is invalid: it must have 3 to 32 characters, start with a letter and "
            "consist of letters, digits and single dashes, without a dash at its end.",
            "name",
        )
    return name
