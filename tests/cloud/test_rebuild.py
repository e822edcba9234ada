"""`greenlight rebuild` as docs/operators.md says: a process with the app's settings, while the app rests.

A host whose timer rests stands in for one that is stopped: with every slot at rest nothing else wakes it.
Were it to sweep meanwhile, it would list the workspace and take the lost slot's registration for a new one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local import appsettings
from local.appsettings import ROOT
from local.environment import own
from orchestrator.cli import USAGE
from orchestrator.model import SlotKey
from orchestrator.outside import names_partition
from orchestrator.rebuild_cli import DOUBT
from orchestrator.rebuilding import LEAP
from shared.names import slot_id
from shared.store import Delete
from tests.cloud.conftest import SETTINGS
from tests.cloud.killing import HOST
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud
    from orchestrator.model import Serving
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

SWEEP, NEVER = "GREENLIGHT_SWEEP_SCHEDULE", "0 0 0 1 1 *"
MODEL, STRAY, BY = "titanic-rebuilt", "nobodys-endpoint", "Olga of the platform team"
DEV, QA = SlotKey(MODEL, "dev"), SlotKey(MODEL, "qa")
SECONDS, RUN_SECONDS, POLL_SECONDS = 180.0, 180, 0.3
AT_ONCE = 100  # rows of one transaction


def run(inside: Inside, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With the app's settings alone: the SDK leaves marks of its own in the environment of this process."""
    config = inside.config
    return subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "rebuild", *arguments],
        cwd=ROOT,
        env=own(os.environ) | config.client_env() | appsettings.settings(config),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def answer(inside: Inside, *arguments: str) -> tuple[int, Any]:
    done = run(inside, "--json", *arguments)
    assert done.returncode in (0, DOUBT), done.stderr
    return done.returncode, json.loads(done.stdout)


def serving(inside: Inside, version: str) -> Serving | None:
    """What serves in dev once the slot is at rest: nothing is about to write its row."""
    found = inside.app.ledger.slot_row(DEV)
    slot = found.state.slot if found else None
    if slot is None or not slot.idle or slot.serving is None or slot.serving.version != version:
        return None
    return slot.serving


def asked(inside: Inside, version: str) -> bool:
    """People are asked in qa: dev has nothing left to do."""
    found = inside.app.ledger.load(QA)
    return found is not None and any(
        found.state.promotions[n].registration.version == version for n in found.state.requests
    )


def lose(inside: Inside) -> None:
    """Everything that the tables know of the slot, the owner of its endpoint's name among it."""
    slots, names = inside.ports.store.table("slots"), inside.ports.store.table("endpoints")
    while rows := list(slots.query(slot_id(*DEV), limit=AT_ONCE)):
        slots.commit(slot_id(*DEV), [Delete(r.key, r.etag) for r in rows])
    known = inside.app.policy.slot(*DEV)
    assert known is not None
    partition = names_partition(known.env.workspace)
    row = names.get(partition, known.endpoint.lower())
    assert row is not None
    names.commit(partition, [Delete(row.key, row.etag)])


def mine(told: Any) -> Any:
    """What is said of the slot: other tests share the cloud."""
    return next(s for s in told["slots"] if s["slot"] == str(DEV))


@pytest.fixture
def lost(cloud: Cloud, inside: Inside, ready_models: ReadyModels) -> Iterator[Serving]:
    """What served in dev before its rows were lost."""
    ready_models.register(MODEL, "1")
    found = eventually(lambda: serving(inside, "1"), SECONDS, "v1 serves in dev", POLL_SECONDS)
    assert found is not None
    eventually(lambda: asked(inside, "1"), SECONDS, "v1 is asked about in qa", POLL_SECONDS)
    cloud.restart(HOST, {SWEEP: NEVER})
    lose(inside)
    try:
        yield found
    finally:
        cloud.restart(HOST, {SWEEP: SETTINGS[SWEEP]})


@pytest.fixture
def stray(inside: Inside) -> str:
    """An endpoint that nobody marked."""
    workspace = inside.workspace("qa")
    workspace.create_endpoint(STRAY, tags={})
    eventually(lambda: (e := workspace.endpoint(STRAY)) and e.state == "Succeeded", SECONDS, STRAY)
    return STRAY


def test_the_command_restores_a_lost_slot_and_the_app_goes_on(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels, lost: Serving, stray: str
) -> None:
    code, told = answer(inside)

    assert code == DOUBT
    assert f"qa: endpoint {stray}: it does not carry our mark" in told["left_alone"]
    assert told["written"] is False
    assert (mine(told)["row"], mine(told)["name"]) == ("restored", "restored")
    assert inside.app.ledger.slot_row(DEV) is None, "without --yes nothing is written"

    inside.workspace("qa").delete_endpoint(stray)
    eventually(lambda: inside.workspace("qa").endpoint(stray) is None, SECONDS, f"{stray} is gone")
    code, told = answer(inside, "--yes", "--by", BY)

    assert code == (DOUBT if told["left_alone"] else 0)
    assert told["written"] is True
    assert mine(told)["says"] == f"{lost.deployment} serves version 1 with 100 %"
    again = inside.app.ledger.slot_row(DEV)
    assert again is not None
    found = again.state.slot.serving
    assert found is not None
    assert (found.version, found.digest, found.deployment) == ("1", lost.digest, lost.deployment)
    first = inside.app.ledger.journal(DEV)[0].entry
    assert (first.what, first.by) == ("slot.rebuilt", BY)

    cloud.restart(HOST, {SWEEP: SETTINGS[SWEEP]})
    digest = ready_models.register(MODEL, "2")
    after = eventually(lambda: serving(inside, "2"), SECONDS, "v2 serves in dev", POLL_SECONDS)
    assert after is not None
    assert (after.digest, after.n) == (digest, LEAP + 1)
    audit = inside.app.ledger.verify(DEV)
    assert audit is not None
    assert audit.problems == ()


def test_nothing_is_written_in_nobodys_name(inside: Inside) -> None:
    done = run(inside, "--yes")

    assert done.returncode == USAGE
    assert "--by" in done.stderr
    assert done.stdout == ""
