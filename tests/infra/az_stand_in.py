"""Stands in for `az`, `azd` and `curl` in tests of the scripts: remembers what was made, and answers from it.

Its state is a JSON file: GREENLIGHT_AZ_STATE. Each call is a line of `calls`.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any


def main(name: str, arguments: list[str]) -> int:
    path = Path(os.environ["GREENLIGHT_AZ_STATE"])
    state: dict[str, Any] = json.loads(path.read_text())
    words = " ".join([name, *arguments])
    state["calls"].append(words)
    code = _answer(state, words, arguments)
    path.write_text(json.dumps(state))
    return code


def _answer(state: dict[str, Any], words: str, arguments: list[str]) -> int:
    options = {a: b for a, b in pairwise(arguments) if a.startswith("--")}
    name = options.get("--name", "")
    if words.startswith("az resource show"):
        return _show(state, options)
    if words.startswith("az keyvault secret show"):
        name = name or options["--id"].rpartition("/")[2]
        if options.get("--query") == "value":
            sys.stdout.write(f"{state['secrets'].get(name, '')}\n")
        return 0 if name in state["secrets"] else 3
    return _made(state, words, options)


def _made(state: dict[str, Any], words: str, options: dict[str, str]) -> int:
    if words.startswith("az keyvault secret set"):
        state["secrets"][options["--name"]] = Path(options["--file"]).read_text()
    elif words.startswith("az functionapp config appsettings list"):
        sys.stdout.write("".join(f"{n}\t{v}\n" for n, v in state["settings"].items()))
    elif words.startswith("az functionapp function show"):
        state["asked"] = state.get("asked", 0) + 1
        return 0 if state["asked"] > state["published_after"] else 1
    elif words.startswith("az eventgrid system-topic list"):
        for source, topic in state["topics"].items():
            sys.stdout.write(f"{source}\t{topic['id']}\n")
    elif words.startswith("az deployment group show"):
        output = options["--query"].removeprefix("properties.outputs.").removesuffix(".value")
        sys.stdout.write(state["outputs"][output] + "\n")
    elif words.startswith("az ad "):
        _directory(state, words, options)
    elif words.startswith("az role assignment list"):
        sys.stdout.write("".join(f"{each}\n" for each in state["assignments"]))
    elif words.startswith("az role assignment delete"):
        state["assignments"].remove(options["--ids"])
    return 0


def _directory(state: dict[str, Any], words: str, options: dict[str, str]) -> None:
    if words.startswith("az ad app federated-credential list"):
        sys.stdout.write(f"{len(state['credentials'])}\n")
    elif words.startswith("az ad app federated-credential create"):
        state["credentials"].append(json.loads(options["--parameters"]))
    elif words.startswith("az ad app create"):
        state["registration"] = "33333333-3333-4333-8333-333333333333"
    if words.startswith(("az ad app create", "az ad app list")):
        sys.stdout.write(f"{state['registration']}\n")


def _show(state: dict[str, Any], options: dict[str, str]) -> int:
    found = state["resources"].get(options["--ids"].lower())
    if found is None:
        return 3
    sys.stdout.write(f"{found.get(options['--query'], '')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
