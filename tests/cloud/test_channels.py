"""A vote that a channel brings, in the whole cloud: signed on the command line, put on the real queue."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from local.appsettings import ROOT
from local.config import PEOPLE, TENANT
from tests.cloud.clients import queue_client
from tests.cloud.story import FIRST, Story
from tests.running import eventually

if TYPE_CHECKING:
    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

SECONDS = 180.0
BEN = next(f"{TENANT}/{p.oid}" for p in PEOPLE if p.key == "ben")


def signed(cloud: Cloud, asked: dict[str, Any]) -> str:
    """What a person gets from `greenlight channel sign` with the local bridge's key."""
    request = asked["requests"][-1]
    command = [
        *(sys.executable, "-m", "orchestrator.cli", "channel", "sign"),
        *("--key", str(cloud.config.home / "channels" / "bridge.pem"), "--promotion", asked["id"]),
        *("--request", str(request["k"]), "--hash", request["hash"], "--voter", BEN),
        *("--decision", "approve", "--comment", "ticket 7"),
    ]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS)
    return said.stdout.strip()


def test_a_right_on_the_queue_votes_for_nobody_and_a_signature_does(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels
) -> None:
    story = Story(inside, ready_models, "titanic-channels")
    queue = queue_client(cloud.config, "approval-decisions")
    app = inside.app
    texts: list[str] = []

    def letters() -> list[str]:
        found = app.dead.listed(None, 500, now=app.clock.now())
        return [
            x.reason for x in found if x.source == "approval-decisions" and "titanic-channels" in x.payload
        ]

    def vote(version: str) -> None:
        asked = story.asked(version)
        assert asked is not None
        request = asked["requests"][-1]
        texts.append(signed(cloud, asked))
        unsigned = {
            "version": 1, "kind": "approval.decided", "promotion": asked["id"], "number": request["k"],
            "hash": request["hash"], "decision": "approve", "approver": BEN,
        }  # fmt: skip
        queue.send_message(json.dumps(unsigned))
        eventually(letters, SECONDS, "a dead letter for the unsigned vote")
        assert [reason.partition(":")[0] for reason in letters()] == ["unsigned"]
        seen = story.api.promotion(story.model, "qa", version)
        assert seen is not None
        assert seen["requests"][-1]["votes"] == []
        for _ in range(2):
            queue.send_message(texts[0])

    try:
        with story.talking():
            story.promote(FIRST, vote)
            done = story.api.promotion(story.model, "qa", FIRST)
    finally:
        queue.close()

    assert done is not None
    (counted,) = done["requests"][-1]["votes"]
    assert (counted["approver"], counted["channel"], counted["comment"]) == (BEN, "bridge", "ticket 7")
    assert len(letters()) == 1, "the second copy of a message is no trouble"
    token = json.loads(texts[0])["signed"]
    logs = [path for path in (cloud.config.home / "logs").rglob("*") if path.is_file()]
    assert [p.name for p in logs for part in token.split(".") if part.encode() in p.read_bytes()] == []
