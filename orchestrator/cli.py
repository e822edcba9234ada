"""`greenlight`: see, decide and operate, over the JSON API.

The exit code tells the outcome, so that a script can ask:
0 done or accepted, or live (Unchanged counts: these bytes serve) · 1 wrong usage, or no such thing
2 refused, rejected, failed, errored, aborted, rolled back, or a changed journal · 3 still open
4 not signed in · 5 Greenlight cannot be reached · 6 ended without effect (superseded, expired, withdrawn)
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from orchestrator.cli_commands import Command, add_commands, slot_of
from orchestrator.client import Client, NotSignedIn, at, token_of
from orchestrator.terminal import explanation, history_lines, paused_lines, promotion_lines, status_lines
from shared.errors import Final as FinalError
from shared.errors import GreenlightError, Invalid, NotFound, Refused
from shared.names import escape
from shared.untrusted import harmless, visible

OK, USAGE, NO, OPEN, SIGN_IN, UNREACHABLE, NO_EFFECT = 0, 1, 2, 3, 4, 5, 6
OUTCOMES: Final = {
    "Live": OK,
    "Unchanged": OK,
    "Superseded": NO_EFFECT,
    "Expired": NO_EFFECT,
    None: OPEN,
}
MOST = 10_000
LOCAL: Final = {
    "channel": (
        "orchestrator.channel_cli",
        "make keys for a channel that brings votes; sign or check a message",
    ),
    "doctor": (
        "orchestrator.doctor_cli",
        "is everything there that the product needs? (settings of the app, no server)",
    ),
    "rebuild": (
        "orchestrator.rebuild_cli",
        "the tables are lost: restore what endpoint tags say (storage rights of its own, no server)",
    ),
    "simulate": ("simulation.cli", "run the product over a simulated cloud, with faults drawn from a seed"),
}
"""Commands that ask no server: the module whose `main(arguments, environ)` does it, and what help says."""

Verb = Callable[[Client, argparse.Namespace], int]


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; the exit code is the answer."""
    env = os.environ if environ is None else environ
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:  # an old terminal's encoding must not end a command
        reconfigure(errors="replace")
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv), env)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse leaves with 2, which here means refused
        return USAGE if stop.code else OK
    except GreenlightError as error:
        why = f"{error.code}: {error}" if isinstance(error, Refused) and error.code else str(error)
        print(f"greenlight: {visible(why, 600)}", file=sys.stderr)
        return _code(error)
    except BrokenPipeError:  # `| head` has seen enough; nothing more may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def _run(said: list[str], env: Mapping[str, str]) -> int:
    if said[:1] == ["verify"] and "--anchors" in said:  # reads storage itself: it does not trust the app
        said = ["anchors", *said[1:]]
    if said and (said[0] in LOCAL or said[0] == "anchors"):
        module = LOCAL[said[0]][0] if said[0] in LOCAL else "orchestrator.anchors_cli"
        code: int = importlib.import_module(module).main(said[1:], env)
        return code
    args = _parser().parse_args(said)
    client = Client(args.url or env.get("GREENLIGHT_BASE_URL", ""), lambda: token_of(env))
    answer: int = args.verb(client, args)
    return answer


def _code(error: GreenlightError) -> int:
    match error:
        case NotSignedIn():
            return SIGN_IN
        case NotFound() | Invalid():
            return USAGE
        case FinalError():
            return NO
        case _:
            return UNREACHABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="greenlight",
        description="See and decide what serves where.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print the API's answer as JSON")
    shared.add_argument("--url", help="address of Greenlight (default: GREENLIGHT_BASE_URL)")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, verb: Verb, about: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, parents=[shared])
        made.set_defaults(verb=verb)
        return made

    status = add("status", _status, "what serves where, and what is under way")
    status.add_argument("--model", default="", help="only this model")
    status.add_argument("--env", default="", help="only this environment")
    for name, verb, about in (
        ("show", _show, "everything about one promotion"),
        ("explain", _explain, "why a promotion is (not) moving"),
    ):
        add(name, verb, about).add_argument("id", metavar="ID", help="model.environment.version.number")
    history = add("history", _history, "the journal of a slot")
    history.add_argument("slot", metavar="SLOT", help="model@environment")
    history.add_argument("--last", type=int, default=0, metavar="N", help="only the last N rows")
    for name, about in (("approve", "approve what a promotion asks"), ("reject", "reject what it asks")):
        vote = add(name, _vote, about)
        vote.add_argument("id", metavar="ID", help="model.environment.version.number")
        vote.add_argument("--comment", default="", help="kept in the journal")
        vote.add_argument(
            "--hash", default="", help="approval hash that you reviewed (default: the current one)"
        )
        vote.set_defaults(decision=name)
    add_commands(lambda name, command, about: add(name, _speaking(command), about))
    for name, (_, about) in LOCAL.items():  # for the list in the help: they read their own arguments
        verbs.add_parser(name, help=about)
    return parser


def _speaking(command: Command) -> Verb:
    def verb(client: Client, args: argparse.Namespace) -> int:
        said = command(client, args)
        _print(args, said.data, [harmless(line).replace("\n", " ") for line in said.lines])
        return said.code

    return verb


def _status(client: Client, args: argparse.Namespace) -> int:
    slots, told = client.listed("/api/slots", "slots", MOST, model=args.model, env=args.env)
    paused = told.get("paused")
    _print(args, {"slots": slots, "paused": paused}, [*paused_lines(paused), *status_lines(slots)])
    return OK


def _show(client: Client, args: argparse.Namespace) -> int:
    p = client.get(at("api", "promotions", args.id))["promotion"]
    _print(args, p, promotion_lines(p))
    return _outcome(p)


def _explain(client: Client, args: argparse.Namespace) -> int:
    p = client.get(at("api", "promotions", args.id))["promotion"]
    _print(
        args, {"id": p["id"], "phase": p["phase"], "verdict": p["verdict"], **p["explain"]}, explanation(p)
    )
    return _outcome(p)


def _history(client: Client, args: argparse.Namespace) -> int:
    model, env = slot_of(args.slot)
    unread: list[str] = []
    rows = list(
        client.pages(at("api", "slots", escape(model), env, "history"), "history", MOST, unread=unread)
    )
    rows = rows[-args.last :] if args.last > 0 else rows
    lines = [*history_lines(rows), *(visible(why, 400) for why in unread)]
    _print(args, {"slot": args.slot, "history": rows, "unreadable": unread}, lines)
    return OK


def _vote(client: Client, args: argparse.Namespace) -> int:
    """Votes on the latest request, naming the hash that was reviewed."""
    p = client.get(at("api", "promotions", args.id))["promotion"]
    if not p["requests"]:
        raise Refused(f"{args.id} has not asked for approval: {p['explain']['headline']}")
    request = p["requests"][-1]
    body = {
        "decision": args.decision,
        "comment": args.comment,
        "hash": args.hash or request["hash"],
        "request": request["k"],
    }
    answer = client.post(at("api", "promotions", args.id, "vote"), body)
    _print(args, answer, [f"{answer['message']} (request {request['k']} is {answer['request_state']})"])
    return OK


def _outcome(p: Mapping[str, Any]) -> int:
    return NO_EFFECT if p["reason"] == "withdrawn" else OUTCOMES.get(p["verdict"], NO)


def _print(args: argparse.Namespace, data: object, lines: Sequence[str]) -> None:
    if args.json:
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    raise SystemExit(main())
