"""Stands in for `az`, `azd` and `curl` in tests of the scripts: remembers what was made, and answers from it.

Its state is a JSON file: GREENLIGHT_AZ_STATE. Each call is a line of `calls`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

State = dict[str, Any]
Options = dict[str, str]
CLIENT = "33333333-3333-4333-8333-333333333333"
ETAG = '"8d59f825b721dd3"'


def main(name: str, arguments: list[str]) -> int:
    path = Path(os.environ["GREENLIGHT_AZ_STATE"])
    state: dict[str, Any] = json.loads(path.read_text())
    words = " ".join([name, *arguments])
    state["calls"].append(words)
    code = _answer(state, words, arguments)
    path.write_text(json.dumps(state))
    return code


def _answer(state: State, words: str, arguments: list[str]) -> int:
    options = {a: b for a, b in pairwise(arguments) if a.startswith("--")}
    known = (answer for begin, answer in ANSWERS.items() if words.startswith(f"az {begin}"))
    answer = next(known, None)
    return (answer(state, words, options) or 0) if answer else 0


def _secret_show(state: State, _: str, options: Options) -> int:
    name = options.get("--name") or options["--id"].rpartition("/")[2]
    if options.get("--query") == "value":
        sys.stdout.write(f"{state['secrets'].get(name, '')}\n")
    return 0 if name in state["secrets"] else 3


def _secret_set(state: State, _: str, options: Options) -> None:
    state["secrets"][options["--name"]] = Path(options["--file"]).read_text()


def _settings(state: State, *_: object) -> None:
    sys.stdout.write("".join(f"{n}\t{v}\n" for n, v in state["settings"].items()))


def _function(state: State, *_: object) -> int:
    state["asked"] = state.get("asked", 0) + 1
    return 0 if state["asked"] > state["published_after"] else 1


def _topics(state: State, *_: object) -> None:
    sys.stdout.write("".join(f"{source}\t{topic['id']}\n" for source, topic in state["topics"].items()))


def _outputs(state: State, _: str, options: Options) -> None:
    output = options["--query"].removeprefix("properties.outputs.").removesuffix(".value")
    sys.stdout.write(state["outputs"][output] + "\n")


def _policy(state: State, words: str, options: Options) -> None:
    if " show " in words:
        sys.stdout.write(f"{state['policy'] if options['--query'] == 'state' else ETAG}\n")
    elif options["--if-match"] == ETAG:
        state["policy"] = ""


def _group_exists(state: State, *_: object) -> None:
    sys.stdout.write(f"{str(state['group']).lower()}\n")


def _group_delete(state: State, *_: object) -> None:
    state["group"] = False


def _assignments(state: State, *_: object) -> None:
    sys.stdout.write("".join(f"{each}\n" for each in state["assignments"]))


def _unassign(state: State, _: str, options: Options) -> None:
    state["assignments"].remove(options["--ids"])


def _app_create(state: State, _: str, options: Options) -> None:
    state["registrations"][options["--display-name"]] = [CLIENT]
    sys.stdout.write(f"{CLIENT}\n")


def _app_list(state: State, _: str, options: Options) -> None:
    name = options["--filter"].partition("'")[2].rstrip("'")
    sys.stdout.write("".join(f"{each}\n" for each in state["registrations"].get(name, [])))


def _app_show(state: State, *_: object) -> None:
    sys.stdout.write("".join(f"{each}\n" for each in state["addresses"]))


def _principal(state: State, words: str, options: Options) -> int:
    if " create " in words:
        state["service_principals"].append(options["--id"])
    return 0 if options["--id"] in state["service_principals"] else 3


def _credentials(state: State, words: str, options: Options) -> None:
    if " create " in words:
        state["credentials"].append(json.loads(options["--parameters"]))
    else:
        sys.stdout.write(f"{len(state['credentials'])}\n")


def _rest(state: State, words: str, _: Options) -> None:
    """References to Key Vault, as the app has them: each is read again when that is asked for."""
    if "/refresh?" in words:
        state["read"] = state.get("read", 0) + 1
    elif "configreferences" in words:
        early = state["read"] <= state["believed_after"]
        lacking = [name for name in state["needs"] if early or name not in state["secrets"]]
        status = "AccessToKeyVaultDenied" if early else "SecretNotFound"
        sys.stdout.write("".join(f"{name}\t{status}\n" for name in lacking))


def _show(state: State, _: str, options: Options) -> int:
    found = state["resources"].get(options["--ids"].lower())
    if found is None:
        return 3
    sys.stdout.write(f"{found.get(options['--query'], '')}\n")
    return 0


ANSWERS: dict[str, Callable[[State, str, Options], int | None]] = {
    "resource show": _show,
    "rest": _rest,
    "keyvault secret show": _secret_show,
    "keyvault secret set": _secret_set,
    "functionapp config appsettings list": _settings,
    "functionapp function show": _function,
    "eventgrid system-topic list": _topics,
    "deployment group show": _outputs,
    "storage container immutability-policy": _policy,
    "group exists": _group_exists,
    "group delete": _group_delete,
    "role assignment list": _assignments,
    "role assignment delete": _unassign,
    "ad app federated-credential": _credentials,
    "ad app create": _app_create,
    "ad app list": _app_list,
    "ad app show": _app_show,
    "ad sp": _principal,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
