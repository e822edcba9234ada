"""The whole local cloud: every service of the table runs, and a dead functions host comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from local.services import SERVICES
from tests.running import eventually

if TYPE_CHECKING:
    from local.cloud import Cloud

BACK_SECONDS = 120.0


def health(cloud: Cloud) -> str:
    """Asked from outside, as a load balancer does: through the front door, not signed in."""
    return httpx.get(f"{cloud.config.front_url}/healthz", trust_env=False, timeout=BACK_SECONDS).json()[
        "status"
    ]


def test_every_service_runs(cloud: Cloud) -> None:
    assert set(cloud.services) == {s.name for s in SERVICES}
    assert [s.name for s in SERVICES if not s.ready(cloud.config)] == []


def test_a_killed_functions_host_comes_back(cloud: Cloud) -> None:
    eventually(lambda: health(cloud) == "ok", BACK_SECONDS, "well, whatever earlier tests have broken")
    before = cloud.pid("functions")

    cloud.kill("functions")
    eventually(lambda: cloud.pid("functions") != before, BACK_SECONDS, "a new process")
    cloud.wait_ready("functions", BACK_SECONDS)

    eventually(lambda: health(cloud) == "ok", BACK_SECONDS, "well again")
    assert cloud.failure is None
