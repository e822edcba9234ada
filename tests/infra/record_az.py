"""Which options the commands of az take, as its own parser has them. Run by azure-cli's Python (see az.py).

Reads calls from stdin and has each parsed by az, which refuses wrong ones here and now; nothing is called.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from azure.cli.core import get_default_cli  # pyright: ignore[reportMissingImports]
from azure.cli.core.commands import events as azure  # pyright: ignore[reportMissingImports]
from knack import events as knack  # pyright: ignore[reportMissingImports]

VARIABLE = re.compile(r"\$(\w+|\{[^}]*\}|\(\)|@)")
COMMON = ("help", "cmd", "_log_verbosity_verbose", "_log_verbosity_debug", "_log_verbosity_only_show_errors")


def parser_of(words: list[str]) -> tuple[str, Any]:
    """As AzCliCommandInvoker.execute begins."""
    cli = get_default_cli()
    invoker = cli.invocation_cls(
        cli_ctx=cli,
        parser_cls=cli.parser_cls,
        commands_loader_cls=cli.commands_loader_cls,
        help_cls=cli.help_cls,
    )
    cli.invocation = invoker
    invoker.data["completer_active"] = False
    loader = invoker.commands_loader
    cli.raise_event(knack.EVENT_INVOKER_PRE_CMD_TBL_CREATE, args=words)
    loader.load_command_table(words)
    name = invoker._rudimentary_get_command(words)
    loader.command_name = invoker.data["command_string"] = name
    loader.command_table = {name: loader.command_table[name]}
    cli.raise_event(azure.EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)
    loader.load_arguments(name)
    cli.raise_event(azure.EVENT_INVOKER_POST_LOAD_ARGUMENTS, commands_loader=loader)
    cli.raise_event(knack.EVENT_INVOKER_POST_CMD_TBL_CREATE, commands_loader=loader)
    invoker.parser.cli_ctx = cli
    invoker.parser.load_command_table(loader)
    return name, invoker.parser


def options_of(parser: Any, name: str) -> list[dict[str, Any]]:
    for word in name.split():
        (below,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        parser = below.choices[word]
    found: list[dict[str, Any]] = []
    for action in parser._actions:
        if not action.option_strings or action.dest in COMMON:
            continue
        one: dict[str, Any] = {"options": list(action.option_strings)}
        if action.required:
            one["required"] = True
        if action.nargs is not None:
            one["values"] = action.nargs
        if action.choices:
            one["choices"] = sorted(str(choice).lower() for choice in action.choices)
        found.append(one)
    return found


def main() -> int:
    recorded: dict[str, list[dict[str, Any]]] = {}
    refused = 0
    for _, *words in json.load(sys.stdin):
        try:
            name, parser = parser_of(words)
            recorded[name] = options_of(parser, name)
            parser.parse_args([VARIABLE.sub("x", word) for word in words])
        except (SystemExit, KeyError) as error:
            refused += 1
            print(f"refused: az {' '.join(words)}: {error}", file=sys.stderr)
    lines = (f"  {json.dumps(name)}: {json.dumps(recorded[name])}" for name in sorted(recorded))
    print("{\n" + ",\n".join(lines) + "\n}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
