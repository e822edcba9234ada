"""`greenlight verify --anchors`: are all journals still what was anchored each day?

It needs no server and no key: it reads tables and blobs of the state account with the rights of whoever runs
it (Storage Table Data Reader, Storage Blob Data Reader), at the addresses in its environment. If
GREENLIGHT_JOURNAL_KEY is set, it also checks that each row was written with it.
0 everything fits · 2 something does not: see which slot, which row, since when, and what to do
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.auditing import Auditing, Report
from orchestrator.cli_commands import slot_of
from orchestrator.model import SlotKey
from shared.untrusted import visible

if TYPE_CHECKING:
    from shared.settings import StateSettings

OK, CHANGED = 0, 2
CANNOT_PROVE = (
    "that nothing was changed before it was first anchored: that may take a day",
    "that what is said happened: only that nothing was changed since it was anchored",
    "anything, where the container's immutability policy is not locked, against whoever may take it off",
)
NO_KEY = "that rows after the last anchor were written with the journal key: it was not given"


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Raises GreenlightError, which the command line tells."""
    from shared.settings import read_state

    parser = argparse.ArgumentParser(
        prog="greenlight verify --anchors",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("slot", metavar="SLOT", nargs="?", help="model@environment (default: all)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    args = parser.parse_args([word for word in argv if word != "--anchors"])
    only = SlotKey(*slot_of(args.slot)) if args.slot else None
    settings = read_state(environ)
    found = over(settings).report(only)
    cannot = [*CANNOT_PROVE, *(() if settings.journal_key else (NO_KEY,))]
    if args.json:
        print(json.dumps(told(found, cannot), indent=2, ensure_ascii=False))
    else:
        print("\n".join(visible(line, 900) for line in said_lines(found, cannot)))
    return CHANGED if found.findings else OK


def over(settings: StateSettings) -> Auditing:
    """The command by identity. Makes no request."""
    from orchestrator.app import ANCHORS
    from orchestrator.ledger import Ledger
    from shared.azure import credential
    from shared.blobs import Storage
    from shared.clock import SystemClock
    from shared.store import AzureStore

    identity, clock = credential(settings.cloud), SystemClock()
    storage = Storage(settings.cloud, identity, clock)
    return Auditing(
        ledger=Ledger(AzureStore(settings.table_endpoint, identity), settings.journal_key or b""),
        container=storage.container(settings.state_account, ANCHORS),
        clock=clock,
        key=settings.journal_key or None,
        retained=settings.anchor_days,
    )


def told(found: Report, cannot: Sequence[str]) -> dict[str, Any]:
    """The answer as JSON."""
    return {
        "ok": not found.findings,
        "anchors": {
            "count": len(found.anchors),
            "first": found.anchors[0].isoformat() if found.anchors else None,
            "last": found.anchors[-1].isoformat() if found.anchors else None,
        },
        "slots": found.slots,
        "rows": found.rows,
        "findings": [
            asdict(f)
            | {
                "after": f.after.isoformat() if f.after else None,
                "before": f.before.isoformat() if f.before else None,
                "fix": f.fix,
            }
            for f in found.findings
        ],
        "notes": found.notes,
        "cannot_prove": list(cannot),
    }


def said_lines(found: Report, cannot: Sequence[str]) -> list[str]:
    """The answer for people."""
    span = f" from {found.anchors[0]} to {found.anchors[-1]}" if found.anchors else ""
    state = f"{len(found.findings)} findings" if found.findings else "everything fits"
    lines = [f"{found.slots} slots, {found.rows} rows, {len(found.anchors)} anchors{span}: {state}"]
    for f in found.findings:
        lines += [f"  ✗ {f'{f.slot}: ' if f.slot else ''}{f.says}.", f"    → {f.fix}"]
    return [*lines, *found.notes, "It cannot prove:", *(f"  · {what}" for what in cannot)]
