"""Names, times and digests that all worlds share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from orchestrator import model as m
from orchestrator.policy import (
    ApprovalPolicy,
)
from orchestrator.rollout_policy import RolloutPolicy
from orchestrator.seen import Split
from tests.core.enumeration.axes import (
    Roll,
    Stopped,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RECENT = NOW - timedelta(seconds=10)
"""Within the time in which a write may not be readable yet."""
LONG_AGO = NOW - timedelta(days=1)
AN_HOUR = NOW + timedelta(hours=1)
WARM = timedelta(hours=2)

SERVING, OLDER, THIS, NEWER = 1, 2, 3, 4
CANDIDATE, STABLE, RETIRED, STRANGER = "green", "blue", "red", "grey"
SLOT, ENDPOINT = "titanic@qa", "titanic-qa"
DIGEST, OLD_DIGEST, NEW_DIGEST = "digest-of-green", "digest-of-blue", "digest-of-newer"
FROZEN = "azureml://frozen/3"
TENANT = "11111111-1111-4111-8111-111111111111"
ANA = f"{TENANT}/33333333-0000-4000-8000-000000000002"
WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/p/workspaces/qa"
TARGET = f"{WORKSPACE.lower()} {ENDPOINT}"
METRICS = {"auc": 0.9}
FREEZE = m.Freeze(name="weekend", until=AN_HOUR)
APPROVAL = ApprovalPolicy.model_validate({"approvers": [{"name": "Ana", "id": ANA}], "exclude_author": False})


CHANGED_BY_HAND = (
    Stopped.CHANGED,
    Stopped.RESTORE,
    Stopped.RESTORE_NOW,
    Stopped.RESTORE_OLD,
    Stopped.RESTORE_LATE,
)
CANARY = RolloutPolicy.model_validate(
    {
        "strategy": "canary",
        "mirror": {"percent": 20, "bake": "10m"},
        "steps": [10, 100],
        "bake": "10m",
        "warm": "2h",
        "keep_failed": "1h",
    }
)
BAKING, BAKED = RECENT, NOW - timedelta(minutes=15)
SPLITS: Mapping[Roll, Split] = {
    Roll.ONE: Split({CANDIDATE: 100}),
    Roll.MIRROR: Split({STABLE: 100}, {CANDIDATE: 20}),
    Roll.TENTH: Split({CANDIDATE: 10, STABLE: 90}),
    Roll.WHOLE: Split({CANDIDATE: 100}),
}
"""What each step writes."""
STEPS = (Roll.MIRROR, Roll.TENTH, Roll.WHOLE)
