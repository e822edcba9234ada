"""`greenlight rebuild`: the tables are lost. Restore what endpoint tags still say; say what is lost.

Without --yes nothing is written. It needs no server: it reads the settings of the function app from its
environment, and uses the rights of whoever runs it (reader of the workspaces, contributor of the tables).
0 done, or nothing to do · 2 something was left alone or held: see why
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

from orchestrator.app import ROOT, Ports, azure_ports, read_policy
from orchestrator.index import OpenIndex
from orchestrator.ledger import Ledger
from orchestrator.outside import Outside
from orchestrator.policy import Policy
from orchestrator.rebuild import Rebuild, Written
from orchestrator.rebuilding import LOST, Plan
from orchestrator.sources import Sources
from shared.errors import Invalid
from shared.settings import Settings, read
from shared.untrusted import visible

OK, DOUBT = 0, 2


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Raises GreenlightError, which the command line tells."""
    parser = argparse.ArgumentParser(
        prog="greenlight rebuild", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--yes", action="store_true", help="write it (default: only say what would be)")
    parser.add_argument("--by", default="", help="who rebuilds: it goes into the journal; needed with --yes")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    args = parser.parse_args(argv)
    if args.yes and not args.by.strip():
        raise Invalid("--by: say who rebuilds; the new journals begin with it")
    settings = read(environ)
    try:
        text = (ROOT / settings.config).read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"GREENLIGHT_CONFIG: cannot read {settings.config}: {error.strerror}") from error
    rebuild = over(settings, read_policy(text, environ), azure_ports(settings))
    planned = rebuild.plan(args.by.strip() or "nobody yet")
    written = rebuild.write(planned) if args.yes else None
    said = told(planned, written)
    lines = [visible(line, 600) for line in said_lines(planned, written)]
    print(json.dumps(said, indent=2, ensure_ascii=False) if args.json else "\n".join(lines))
    return DOUBT if planned.left or _held(planned) or (written and written.lost_races) else OK


def over(settings: Settings, policy: Policy, ports: Ports) -> Rebuild:
    """The command over these ports. Makes no request."""
    ledger = Ledger(ports.store, settings.journal_key)
    outside = Outside(
        policy=policy,
        ledger=ledger,
        workspaces=ports.workspaces,
        storage=ports.storage,
        evidence=ports.evidence,
        scoring=ports.scoring,
        runs=ports.runs,
        names=ports.store.table("endpoints"),
        channels={},
        root=ROOT,
    )
    return Rebuild(
        outside=outside,
        ledger=ledger,
        index=OpenIndex(ports.store),
        sources=Sources(ports.store),
        clock=ports.clock,
    )


def told(planned: Plan, written: Written | None) -> dict[str, object]:
    """The answer as JSON."""
    return {
        "written": written is not None,
        "slots": [
            {
                "slot": str(s.key),
                "endpoint": s.endpoint,
                "row": "restored" if s.change else "exists",
                "name": "restored" if s.claim_name else "exists",
                "says": s.says,
            }
            for s in planned.slots
        ],
        "left_alone": list(planned.left),
        "watermark": planned.since.isoformat() if written is None or written.watermark else "exists",
        "somebody_was_faster": list(written.lost_races) if written else [],
        "lost": list(LOST),
    }


def said_lines(planned: Plan, written: Written | None) -> list[str]:
    """The answer for people."""
    verb = "restored" if written else "would be restored"
    lines = [
        f"{s.key}: {verb if s.change else 'left'}: {s.says}"
        + (f"; the owner of endpoint name {s.endpoint} {verb}" if s.claim_name else "")
        for s in planned.slots
    ]
    lines += [f"left alone: {why}" for why in planned.left]
    lines += [f"somebody else was faster: {what}" for what in (written.lost_races if written else ())]
    if written is None or written.watermark:
        lines.append(f"watermark: registrations since {planned.since:%Y-%m-%d %H:%M} UTC are looked at again")
    if planned.empty:
        return [*lines, "Nothing is missing: no slot needs to be rebuilt."]
    lines += ["", "What is lost and cannot be restored:", *(f"- {what}" for what in LOST)]
    return lines if written else [*lines, "", "Nothing was written. Say it again with --yes --by NAME."]


def _held(planned: Plan) -> bool:
    return any(s.change is not None and s.change.slot.hold for s in planned.slots)
