"""`/healthz` from outside, while settings are wrong: the host serves, and nothing that comes in is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from local.appsettings import settings
from local.identity import issue_token
from tests.cloud.killing import HOST
from tests.cloud.story import Story
from tests.running import eventually

if TYPE_CHECKING:
    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

MODEL, SECONDS, POLL_SECONDS = "titanic-unset", 180.0, 0.3
TEAMS, JOURNAL = "GREENLIGHT_TEAMS_WEBHOOK", "GREENLIGHT_JOURNAL_KEY"


def health(cloud: Cloud, who: str = "") -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {issue_token(cloud.config, who)}"} if who else {}
    answer = httpx.get(f"{cloud.config.front_url}/healthz", headers=headers, trust_env=False, timeout=SECONDS)
    return answer.status_code, answer.json()


def test_wrong_settings_stop_only_what_needs_them_and_lose_nothing(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels
) -> None:
    right = settings(cloud.config)
    story = Story(inside, ready_models, MODEL)
    try:
        cloud.restart(HOST, {TEAMS: "teams.example"})
        assert set(health(cloud)[1]) == {"status", "version"}
        assert health(cloud, "oscar") == health(cloud)
        status, told = health(cloud, "olu")
        assert (status, told["status"]) == (200, "degraded")
        assert TEAMS in {found["where"] for found in told["findings"]}

        cloud.restart(HOST, {TEAMS: right[TEAMS], JOURNAL: ""})
        assert health(cloud)[0] == 503
        assert f"{JOURNAL} is not set" in health(cloud, "olu")[1]["error"]
        ready_models.register(MODEL, "1")
    finally:
        cloud.restart(HOST, {TEAMS: right[TEAMS], JOURNAL: right[JOURNAL]})

    with story.talking():
        eventually(lambda: story.serves("dev", "1"), SECONDS, "v1 live in dev", POLL_SECONDS)
    eventually(lambda: health(cloud)[1]["status"] == "ok", SECONDS, "well again", POLL_SECONDS)
