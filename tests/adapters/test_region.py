"""ARM's rows of quota and roles, as values: which rows count, and what a pattern covers."""

from __future__ import annotations

from typing import Any

import pytest

from shared.region import CoreUsage, core_usages
from shared.rights import ACTIONS, Granted, missing

ML = "Microsoft.MachineLearningServices"
FAMILY = "standardDSv2Family"
PLACE = "/subscriptions/s/providers/x/locations/westeurope"


def row(kind: str, name: str, used: int, limit: int, place: str = PLACE) -> dict[str, Any]:
    return {
        "id": f"{place}/usages/{name}",
        "type": f"{ML}/{kind}/usages",
        "currentValue": used,
        "limit": limit,
        "name": {"value": name},
    }


def test_only_dedicated_cores_count() -> None:
    rows = [
        row("totalDedicatedCores", "TotalDedicatedCores", 14, 24),
        row("totalLowPriorityCores", "TotalLowPriorityCores", 1, 2),
        row("vmFamily/dedicatedCores", FAMILY, 4, 12),
        row("vmFamily/lowPriorityCores", FAMILY, 0, 1),
        row("clusters", "Clusters", 1, 2),
    ]
    assert core_usages(rows, "mlw-qa") == (CoreUsage("", 14, 24), CoreUsage(FAMILY, 4, 12))


def test_a_family_without_a_limit_of_its_own_has_none() -> None:
    assert core_usages([row("vmFamily/dedicatedCores", FAMILY, 4, -1)], "w") == (CoreUsage(FAMILY, 4, None),)


def test_of_a_workspaces_own_limits_only_ours_counts_and_the_tighter_one_decides() -> None:
    inside = "/subscriptions/s/resourceGroups/r/providers/x/workspaces"
    whole = row("vmFamily/dedicatedCores", FAMILY, 4, 100)
    ours = row("workspaces/vmFamily/dedicatedCores", FAMILY, 4, 8, f"{inside}/MLW-QA")
    theirs = row("workspaces/vmFamily/dedicatedCores", FAMILY, 0, 1, f"{inside}/other")

    for rows in ([whole, theirs, ours], [ours, theirs, whole]):
        assert core_usages(rows, "mlw-qa") == (CoreUsage(FAMILY, 4, 8),)


def test_rows_without_numbers_are_read_as_zero() -> None:
    bare = {"type": f"{ML}/vmFamily/dedicatedCores/usages", "name": {"value": FAMILY}}
    assert core_usages([bare, {}], "w") == (CoreUsage(FAMILY, 0, 0),)


READ = f"{ML}/workspaces/read"
WRITE = f"{ML}/workspaces/onlineEndpoints/write"


@pytest.mark.parametrize(
    ("roles", "lacking"),
    [
        ([Granted(("*",))], ()),
        ([Granted((f"{ML}/workspaces/*/read",))], (WRITE,)),
        ([Granted((f"{ML}/workspaces/*/endpoints/write",))], (READ, WRITE)),
        ([Granted((f"{ML.lower()}/WORKSPACES/*",))], ()),
        ([Granted(("*/read",))], (WRITE,)),
        ([Granted(("*",), ("*/write",))], (WRITE,)),
        ([Granted(("*",), ("*/write",)), Granted((WRITE,))], ()),
        ([Granted((f"{ML}.workspaces.read",))], (READ, WRITE)),
        ([], (READ, WRITE)),
    ],
)
def test_a_role_allows_what_its_patterns_cover_except_what_it_takes_away(
    roles: list[Granted], lacking: tuple[str, ...]
) -> None:
    assert missing(roles, (READ, WRITE)) == lacking


def test_the_built_in_role_has_every_action() -> None:
    data_scientist = Granted(
        tuple(f"{ML}/workspaces/*/{verb}" for verb in ("read", "action", "delete", "write")),
        (f"{ML}/workspaces/delete", f"{ML}/workspaces/write", f"{ML}/workspaces/listKeys/action"),
    )
    assert missing([data_scientist]) == ()
    assert tuple(dict.fromkeys(ACTIONS)) == ACTIONS
