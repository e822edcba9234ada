"""For all tests: nothing of the developer's own environment gets in, and a busy machine is no failure."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FOREIGN = ("GREENLIGHT_", "AZURE_", "IDENTITY_", "MSI_", "MLFLOW_", "WEBSITE_", "AZUREWEBJOBS")
PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}

for name in list(os.environ):
    if name.upper().startswith(FOREIGN) or name.upper() in PROXIES:
        del os.environ[name]

settings.register_profile(
    "greenlight",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),  # the same examples for the same code
)
settings.load_profile("greenlight")
