"""The local cloud, as the product's settings would name it."""

from __future__ import annotations

from local.config import STORAGE_SUFFIX, SUFFIX
from shared.azure import AzureCloud

LOCAL = AzureCloud(
    arm=f"https://management.{SUFFIX}",
    storage_suffix=STORAGE_SUFFIX,
    scoring_suffix=f"inference.{SUFFIX}",
    registry_discovery=f"https://discovery.{SUFFIX}",
    registry_hosts=(SUFFIX,),
)
