"""`greenlight doctor`: is everything there that the product needs? What is wrong, why it matters, the remedy.

It needs no server: it reads the settings of the function app from its environment, looks with the rights of
whoever runs it, and changes nothing. docs/doctor.md says what each finding means.
0 all is well · 2 something is wrong · 3 nothing is known to be wrong, and something could not be looked at
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orchestrator.app import ROOT, azure_ports
from orchestrator.doctor import telling
from orchestrator.doctor.checking import NAMES, examine
from shared.asking import Asking
from shared.azure import credential
from shared.errors import Invalid

if TYPE_CHECKING:
    from orchestrator.app import Ports
    from orchestrator.doctor.checking import Token
    from shared.asking import Ask
    from shared.settings import Settings

LONGEST = 120.0
_CALL = 10.0
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Raises GreenlightError, which the command line tells."""
    parser = argparse.ArgumentParser(
        prog="greenlight doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON (schema 1)")
    parser.add_argument(
        "--principal",
        default="",
        metavar="OBJECT-ID",
        help="whose rights to look at, when it is not Greenlight's identity that runs this",
    )
    parser.add_argument(
        "--seconds", type=float, default=LONGEST, help=f"for the whole run (default: {LONGEST:g})"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CHECK",
        choices=NAMES,
        help=f"this check alone; may be given again ({', '.join(NAMES)})",
    )
    args = parser.parse_args(argv)
    if args.principal and not _OBJECT_ID.fullmatch(args.principal):
        raise Invalid("--principal: the object id of an identity, a GUID")
    if not args.seconds > 0:
        raise Invalid("--seconds: more than nothing")
    logging.getLogger("azure").addHandler(logging.NullHandler())  # what matters of it is in the findings
    checked, who = examine(
        variables=environ,
        root=ROOT,
        connect=_connect,
        principal=args.principal.lower(),
        seconds=args.seconds,
        only=args.only,
    )
    if args.json:
        print(json.dumps(telling.told(checked, who), indent=2, ensure_ascii=False))
    else:
        print("\n".join(telling.lines(checked, who)))
    return telling.code_of(checked)


def _connect(settings: Settings) -> tuple[Ports, Ask, Token]:
    timeout = min(_CALL, settings.deadline.total_seconds())
    asking = Asking(credential(settings.cloud), timeout=timeout)
    return azure_ports(settings), asking, asking.token
