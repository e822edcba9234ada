"""`greenlight channel`: make a channel's keys, sign a vote, look at a message. No server is asked."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.channel_policy import ChannelPolicy, VoterEntry
from orchestrator.messages import NotProven, proven, shown
from shared.channel_tokens import MAX_COMMENT, fingerprint, new_key, public_key, sign_vote
from shared.clock import SystemClock
from shared.errors import Invalid
from shared.names import parse_promotion_id
from shared.untrusted import visible

OK, REFUSED = 0, 2
OWNER_ONLY = 0o600
SNIPPET = """\
channels:
  - name: {name}
    public_keys: ["{public}"]
    voters:
      - {{name: NAME, id: TENANT/OBJECT-ID}}
"""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Raises Invalid, which the command line tells."""
    args = _parser().parse_args(argv)
    code: int = args.verb(args)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="greenlight channel", description=__doc__)
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    new = verbs.add_parser("new", help="make a key pair")
    new.add_argument("name", metavar="NAME", help="of the channel, as in greenlight.yaml")
    new.add_argument(
        "--out", type=Path, help="file for the private key (default: NAME.pem); never overwritten"
    )
    new.add_argument("--json", action="store_true", help="print JSON; the other commands always do")
    new.set_defaults(verb=_new)

    sign = verbs.add_parser("sign", help="print the queue message of one vote")
    sign.add_argument("--key", type=Path, required=True, help="file with the private key")
    sign.add_argument("--channel", default="", help="its name (default: the key file's name without .pem)")
    sign.add_argument("--promotion", required=True, metavar="ID", help="model.environment.version.number")
    sign.add_argument("--request", type=int, required=True, metavar="K", help="number of the request")
    sign.add_argument("--hash", required=True, help="approval hash that the voter saw")
    sign.add_argument("--voter", required=True, metavar="TENANT/OBJECT-ID", help="who answers")
    sign.add_argument("--decision", required=True, choices=("approve", "reject"))
    sign.add_argument("--comment", default="", help=f"at most {MAX_COMMENT} characters")
    sign.add_argument("--id", default="", help="makes a repeated call the same message")
    sign.set_defaults(verb=_sign)

    check = verbs.add_parser(
        "check", help="say whether a message proves with a public key now, and what it says"
    )
    check.add_argument("message", type=Path, metavar="FILE", help="the queue message")
    check.add_argument("--public-key", required=True, help="as in greenlight.yaml")
    check.set_defaults(verb=_check)
    return parser


def _new(args: argparse.Namespace) -> int:
    out: Path = args.out or Path(f"{args.name}.pem")
    private = new_key()
    public = public_key(private)
    _registered(args.name, public, "")  # a name that greenlight.yaml would refuse gets no key
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except OSError as error:
        raise Invalid(f"{out}: {error.strerror}; give another --out") from error
    with os.fdopen(handle, "w") as file:
        file.write(private)
    if args.json:
        told = {"name": args.name, "private_key": str(out), "public_key": public}
        print(json.dumps(told | {"fingerprint": fingerprint(public)}, indent=2))
        return OK
    print(f"# Private key: {out}, for the channel alone. Its fingerprint is {fingerprint(public)}.")
    print("# This belongs into greenlight.yaml:")
    print(SNIPPET.format(name=args.name, public=public), end="")
    return OK


def _sign(args: argparse.Namespace) -> int:
    private, name = _text(args.key), args.channel or args.key.stem
    parse_promotion_id(args.promotion)
    message = sign_vote(
        private,
        channel=name,
        promotion=args.promotion,
        number=args.request,
        hash=args.hash,
        voter=args.voter,
        decision=args.decision,
        comment=args.comment,
        now=SystemClock().now(),
        id=args.id,
    )
    # What Greenlight would refuse whoever asks is not handed out: the reason is better heard here.
    now = SystemClock().now()
    proven(message, [_registered(name, public_key(private), args.voter)], came=now, now=now, parking_key=b"")
    print(message)
    return OK


def _check(args: argparse.Namespace) -> int:
    text = _text(args.message).strip()
    told, now = shown(text), SystemClock().now()
    person = VoterEntry.model_construct(name="voter", id=str(told.get("sub", "")).lower())
    channel = _registered("anyone", args.public_key, "").model_copy(
        update={"name": told.get("iss", ""), "voters": (person,)}
    )
    try:
        vote = proven(text, [channel], came=now, now=now, parking_key=b"")
    except NotProven as error:
        print(f"refused: {error.code}: {visible(error, 400)}")
        return REFUSED
    print(json.dumps(told | {"key": vote.key}, indent=2))
    return OK


def _registered(name: str, public: str, voter: str) -> ChannelPolicy:
    from pydantic import ValidationError

    anyone = "00000000-0000-0000-0000-000000000000"
    try:
        entry = VoterEntry(name="voter", id=voter or f"{anyone}/{anyone}")
        return ChannelPolicy.model_validate({"name": name, "public_keys": [public], "voters": [entry]})
    except ValidationError as error:
        raise Invalid("; ".join(e["msg"].removeprefix("Value error, ") for e in error.errors())) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: cannot be read") from error
