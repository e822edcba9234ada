"""What operators say on the command line: one POST each, and the answer in words."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.client import Client, at
from shared.errors import Invalid
from shared.names import escape, parse_slot_id
from shared.untrusted import harmless

OK, WRONG, CHANGED = 0, 1, 2


class Said(NamedTuple):
    """An answer as data and as lines, and the exit code."""

    data: dict[str, Any]
    lines: list[str]
    code: int = OK


Command = Callable[[Client, argparse.Namespace], Said]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """The operators' commands."""
    for name, about in (
        ("abort", "stop a promotion and put back what it changed"),
        ("withdraw", "take a promotion back that you asked for, registered or trained"),
        ("extend", "give people as much time again to decide"),
        ("retry", "promote the same registration once more, through every gate and approval"),
    ):
        parser = _with_reason(add(name, _of_promotion, about), name)
        parser.add_argument("id", metavar="ID", help="model.environment.version.number")
    for name, about, needed in (
        ("hold", "let nothing new move in a slot", True),
        ("adopt", "take what serves at the endpoint as the baseline", True),
        ("restore", "put traffic back to what is recorded", False),
        ("rollback", "what served before serves again, and the slot is held", True),
    ):
        _keyed(_with_reason(add(name, _of_slot, about), name, needed=needed))
    promote = _with_reason(add("promote", _promote, "promote a version, also an older one"), "promote")
    for name, about in (("model", "its name"), ("version", "as registered"), ("env", "where it is to serve")):
        promote.add_argument(name, metavar=name.upper(), help=about)
    promote.add_argument("--key", default="", help="makes a repeated call the same command")
    retire = add("retire", _retire, "delete a slot's endpoint, with what serves there")
    _keyed(_with_reason(retire, "retire", needed=True))
    retire.add_argument("--yes", action="store_true", help="do not ask: for scripts")
    resume = _with_reason(add("resume", _resume, "end a hold, or with --all the pause"), "resume")
    resume.add_argument("--all", action="store_true", help="end the pause of everything")
    _keyed(resume, nargs="?")
    _with_reason(add("pause", _everything, "let nothing new move anywhere"), "pause", needed=True)
    plan = add("plan", _plan, "what another greenlight.yaml would do to every slot; nothing is written")
    plan.add_argument("file", metavar="FILE", nargs="?", default="greenlight.yaml", help="greenlight.yaml")
    replay = add("replay", _replay, "list dead letters, or send one through its door once more")
    replay.add_argument("letter", metavar="LETTER", nargs="?", help="id of the dead letter to send")
    verify = add("verify", _verify, "check the journal of a slot row by row, or all against their anchors")
    verify.add_argument("slot", metavar="SLOT", help="model@environment")
    verify.add_argument(
        "--anchors", action="store_true", help="compare with what was anchored each day; SLOT may be left out"
    )


def _with_reason(
    parser: argparse.ArgumentParser, name: str, *, needed: bool = False
) -> argparse.ArgumentParser:
    parser.add_argument("--reason", default="", required=needed, help="kept in the journal")
    parser.set_defaults(command=name)
    return parser


def _keyed(parser: argparse.ArgumentParser, **more: Any) -> None:
    parser.add_argument("slot", metavar="SLOT", help="model@environment", **more)
    parser.add_argument("--key", default="", help="makes a repeated call the same command")


def _of_promotion(client: Client, args: argparse.Namespace) -> Said:
    return _message(client.post(at("api", "promotions", args.id, args.command), {"reason": args.reason}))


def _of_slot(client: Client, args: argparse.Namespace) -> Said:
    model, env = slot_of(args.slot)
    body = {"reason": args.reason, "key": args.key or uuid.uuid4().hex}
    return _message(client.post(at("api", "slots", escape(model), env, args.command), body))


def _promote(client: Client, args: argparse.Namespace) -> Said:
    body = {"reason": args.reason, "key": args.key or uuid.uuid4().hex, "version": args.version}
    return _message(client.post(at("api", "slots", escape(args.model), args.env, "promote"), body))


def _retire(client: Client, args: argparse.Namespace) -> Said:
    """Asks before anything is sent; a script that nobody watches says --yes."""
    model, env = slot_of(args.slot)
    name = f"{model}@{env}"
    if (
        not args.yes
        and _typed(f"This deletes the endpoint of {name} and what serves there. Type {name}: ") != name
    ):
        raise Invalid("nothing was retired: the slot's name was not typed (scripts say --yes)")
    body = {"reason": args.reason, "key": args.key or uuid.uuid4().hex, "confirm": name}
    return _message(client.post(at("api", "slots", escape(model), env, "retire"), body))


def _typed(question: str) -> str:
    """What somebody types; empty where nobody is there to type."""
    if not sys.stdin.isatty():
        return ""
    sys.stderr.write(harmless(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _plan(client: Client, args: argparse.Namespace) -> Said:
    """Exit code 0: it changes nothing; 2: it changes something; 1: it is wrong."""
    try:
        text = Path(args.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{args.file} cannot be read: {error}") from error
    found = client.post("/api/plan", {"policy": text})
    return Said(found, _planned(found), WRONG if found["errors"] else CHANGED if found["changed"] else OK)


def _planned(found: dict[str, Any]) -> list[str]:
    if found["errors"]:
        return [*found["errors"], "Nothing was compared."]
    lines = [f"pipeline: {line}" for line in found["pipeline"]]
    for slot in found["slots"]:
        lines += [f"{slot['slot']} ({slot['change']})", *(f"  · {said}" for said in slot["says"])]
    lines += [f"{why}: not compared" for why in found["unreadable"]]
    lines += ["There are more slots than were looked at."] if found["cut"] else []
    return lines or [f"Nothing changes for {found['looked_at']} slots."]


def _resume(client: Client, args: argparse.Namespace) -> Said:
    if bool(args.slot) == args.all:
        raise Invalid("name a slot to resume, or --all to end the pause")
    return _everything(client, args) if args.all else _of_slot(client, args)


def _everything(client: Client, args: argparse.Namespace) -> Said:
    return _message(client.post(at("api", args.command), {"reason": args.reason}))


def _replay(client: Client, args: argparse.Namespace) -> Said:
    if not args.letter:
        found = client.get("/api/deadletters")
        letters = [x for x in found["deadletters"] if not x["replayed"]]
        lines = [f"{x['id']}  {x['at']}  {x['source']}: {x['reason']}{_kept(x)}" for x in letters]
        return Said({"deadletters": letters}, lines or ["No dead letter waits."])
    return _message(client.post(at("api", "deadletters", args.letter, "replay"), {}))


def _kept(letter: dict[str, Any]) -> str:
    return "" if letter.get("replayable", True) else " (to be seen, not replayed)"


def _verify(client: Client, args: argparse.Namespace) -> Said:
    model, env = slot_of(args.slot)
    found = client.get(at("api", "slots", escape(model), env, "verify"))
    state = "nothing was changed" if found["ok"] else f"{len(found['problems'])} problems"
    lines = [f"{found['slot']}: {found['rows']} rows, {state}; head {found['head'] or '–'}"]
    lines += [f"  ✗ {problem}" for problem in found["problems"]]
    lines += ["It cannot prove:", *(f"  · {what}" for what in found["cannot_prove"])]
    return Said(found, lines, OK if found["ok"] else CHANGED)


def _message(answer: dict[str, Any]) -> Said:
    return Said(answer, [str(answer["message"])])


def slot_of(text: str) -> tuple[str, str]:
    """`model@env`, the model's name escaped or plain."""
    try:
        return parse_slot_id(text)
    except Invalid:
        model, at_sign, env = text.rpartition("@")
        if not (model and at_sign and env):
            raise
        return model, env
