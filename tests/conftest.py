"""For all tests: nothing of the developer's own environment gets in, and a busy machine is no failure."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from local.environment import foreign

for name in filter(foreign, list(os.environ)):
    del os.environ[name]

settings.register_profile(
    "greenlight",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),  # the same examples for the same code
)
settings.load_profile("greenlight")
