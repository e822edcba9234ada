"""What must not get from a developer's shell into the local cloud, its tests or its demo: settings of another
app, the identity of a real subscription, a tracking server, a company's proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIXES = ("GREENLIGHT_", "AZURE_", "AZUREML_", "IDENTITY_", "MSI_", "MLFLOW_", "WEBSITE_", "AZUREWEBJOBS")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")  # clients read them in either case


def foreign(name: str) -> bool:
    return name.upper().startswith(PREFIXES) or name.upper() in PROXIES


def own(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not foreign(name)}
