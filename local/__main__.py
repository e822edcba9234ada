"""`python -m local`: the local cloud's command line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local import control
from local.appsettings import ROOT
from local.config import PORTS, LocalConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The local cloud of Greenlight.")
    verbs = parser.add_subparsers(dest="command", required=True, metavar="command")
    up = _verb(verbs, "up", "start it; ends with Ctrl-C, or `down` when detached", _up)
    up.add_argument(
        "--port-base", type=int, default=None, help=f"first of {len(PORTS)} ports (default: 7070)"
    )
    up.add_argument("--environments", default=None, help="comma list (default: dev,qa)")
    up.add_argument("--pace", type=float, default=None, help="how much faster waits run (default: 10)")
    up.add_argument("--enforce-roles", action="store_true", help="the app may do what its custom roles allow")
    up.add_argument("--package", type=Path, default=None, metavar="ZIP", help="run the app from this package")
    up.add_argument("--only", default=None, help="comma list of services to start (default: all)")
    up.add_argument("--no-restart", action="store_true", help="leave a functions host that died dead")
    up.add_argument("--detach", action="store_true", help="return when it is up")
    up.add_argument("--ready-fd", type=int, default=None, help=argparse.SUPPRESS)
    _verb(verbs, "down", "stop the one that runs", lambda o: control.down(o.home))
    _verb(verbs, "status", "what runs, and whether it answers", lambda o: control.status(o.home))
    _verb(verbs, "env", "print local.settings.json for Azure Functions Core Tools", _env)
    _verb(verbs, "events", "print what Greenlight published, one event a line", _events)
    token = _verb(verbs, "token", "print an access token of a local account", _token)
    token.add_argument("name", help="author, ana, ben, olu or oscar")
    _add_demo(verbs)
    return parser


def _add_demo(verbs: argparse._SubParsersAction) -> None:
    text = "tell a story: train, deploy, approve, serve, refuse; every step is verified"
    demo = verbs.add_parser("demo", help=text, description=text)
    demo.add_argument(
        "--home",
        type=Path,
        default=ROOT / ".local" / "demo",
        help="told in the cloud that runs there, else in a new one (default: .local/demo)",
    )
    demo.add_argument("--port-base", type=int, default=None, help="of a new cloud (default: what is free)")
    demo.add_argument("--story", choices=("promotion", "canary"), default="promotion", help="which one")
    demo.add_argument("--model", default=None, help="name of the model (default: titanic, titanic-canary)")
    demo.add_argument("--keep", action="store_true", help="leave the cloud running")
    demo.set_defaults(run=_demo)


def _verb(verbs: argparse._SubParsersAction, name: str, text: str, run: object) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text)
    verb.add_argument("--home", type=Path, default=ROOT / ".local", help="data folder (default: .local)")
    verb.set_defaults(run=run)
    return verb


def _up(options: argparse.Namespace) -> int:
    chosen = {
        "port_base": options.port_base,
        "pace": options.pace,
        "environments": tuple(options.environments.split(",")) if options.environments else None,
        "enforce_roles": options.enforce_roles,
        "package": options.package.resolve() if options.package else None,
    }
    config = LocalConfig(home=options.home.resolve(), **{k: v for k, v in chosen.items() if v is not None})
    if options.detach:
        return control.detach(config, sys.argv[1:])
    only = tuple(options.only.split(",")) if options.only else None
    return control.up(config, restart=not options.no_restart, only=only, ready_fd=options.ready_fd)


def _env(options: argparse.Namespace) -> int:
    from local import appsettings

    print(appsettings.local_settings(control.config_of(options.home)))
    return 0


def _events(options: argparse.Namespace) -> int:
    from local.eventgrid import own

    for event in own.published(control.config_of(options.home)):
        print(json.dumps(event, ensure_ascii=False))
    return 0


def _token(options: argparse.Namespace) -> int:
    from local import identity

    try:
        print(identity.issue_token(control.config_of(options.home), options.name))
    except identity.UnknownPrincipalError as error:
        print(f"local: {error}", file=sys.stderr)
        return 2
    return 0


def _demo(options: argparse.Namespace) -> int:
    from local.demo.run import main as tell

    return tell(options.home, options.port_base, options.story, options.model, keep=options.keep)


if __name__ == "__main__":
    sys.exit(main())
