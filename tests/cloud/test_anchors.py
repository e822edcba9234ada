"""Journals against their anchors, in real tables and blobs, by the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.storage.blob import BlobServiceClient

from local.config import APP_ACCOUNT
from orchestrator.app import ANCHORS
from orchestrator.journal import append
from orchestrator.model import Fact, FactKind, SlotKey
from orchestrator.rows import columns, journal_columns, journal_key
from shared.names import slot_id
from shared.store import Put
from tests.cloud.commands import said
from tests.running import eventually

if TYPE_CHECKING:
    import pytest

    from tests.cloud.inside import Inside

SECONDS, POLL_SECONDS = 180.0, 0.5
KEY = SlotKey("titanic-anchored", "qa")


def accepted(inside: Inside) -> None:
    """A few rows of a journal: a command that nothing can come of."""
    now = datetime.now(UTC)
    for n in range(3):
        fact = Fact(
            key=f"hold {n}", kind=FactKind.COMMANDED, model=KEY.model, env=KEY.env, version="", at=now,
            accepted_at=now, by="somebody", detail={"command": "hold", "reason": f"reason {n}"},
        )  # fmt: skip
        inside.app.intake.fact(fact)


def at_rest(inside: Inside) -> bool:
    loaded = inside.app.ledger.slot_row(KEY)
    return loaded is not None and not loaded.state.slot.pending and loaded.state.slot.claim is None


def anchored_anew(inside: Inside) -> None:
    """Today's anchor once more, as nobody could in Azure: there a policy keeps it."""
    with BlobServiceClient.from_connection_string(
        inside.config.connection_string(APP_ACCOUNT),
        connection_verify=str(inside.config.ca_bundle),
        use_env_settings=False,
    ) as client:
        for blob in inside.ports.anchors.list(""):
            client.get_blob_client(ANCHORS, blob.name).delete_blob()
    assert inside.app.anchoring.write() is True


def rewritten(inside: Inside) -> None:
    """Row 2 says something else, and the chain is made anew with the journal's own key."""
    loaded = inside.app.ledger.slot_row(KEY)
    assert loaded is not None
    first, *rest = inside.app.ledger.journal(KEY)
    entries = [replace(rest[0].entry, why="it was always like this"), *(row.entry for row in rest[1:])]
    rows = append(slot_id(*KEY), 1, first.hash, entries, inside.app.settings.journal_key)
    slot = replace(loaded.state.slot, head=rows[-1].hash)
    puts = [Put(journal_key(row.seq), journal_columns(row)) for row in rows]
    inside.ports.store.table("slots").commit(slot_id(*KEY), [Put("slot", columns(slot)), *puts])


def test_today_is_anchored_and_what_is_rewritten_below_is_found(
    inside: Inside, capsys: pytest.CaptureFixture[str]
) -> None:
    def anchor() -> Any:
        return inside.ports.anchors.list("")

    assert eventually(anchor, SECONDS, "the sweep has today anchored", POLL_SECONDS)
    accepted(inside)
    eventually(lambda: at_rest(inside), SECONDS, "the slot rests", POLL_SECONDS)
    anchored_anew(inside)

    code, found = said(inside, capsys, "verify", "--anchors")
    assert (code, found["findings"]) == (0, [])
    assert found["rows"] >= 3

    rewritten(inside)
    plain, by_the_app = said(inside, capsys, "verify", "titanic-anchored@qa")
    code, found = said(inside, capsys, "verify", "--anchors", "titanic-anchored@qa")

    assert (plain, by_the_app["problems"]) == (0, [])
    (finding,) = found["findings"]
    assert (code, finding["kind"], finding["slot"]) == (2, "rewritten", "titanic-anchored@qa")
    assert finding["rows"][0] <= 2 <= finding["rows"][1]
    assert finding["after"] >= (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
