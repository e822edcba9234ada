"""Every call of `az` that this repository tells people to make, or makes, against what az takes.

What az takes is recorded; to renew it, with azure-cli in an environment of its own:

    python -m tests.infra.az | CLI/bin/python tests/infra/record_az.py > tests/infra/data/az-commands.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.infra.mends import printed
from tests.infra.shell import Words, commands

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).with_name("data") / "az-commands.json"
EXTENSIONS = ("ml", "quota")
"""Groups of commands that are no part of az itself."""
Known = dict[str, Any]


def said() -> Iterator[tuple[str, Words]]:
    """(where, the words of one call)."""
    for where, text in _texts():
        yield from ((where, words) for words in commands(text, "az") if words[1] not in EXTENSIONS)


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "infra" / "hooks").glob("*.sh")):
        yield path.name, path.read_text()
        yield from ((path.name, line) for line in re.findall(r'echo "  (az [^"]+)"', path.read_text()))
    for path in sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "infra" / "README.md"]):
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
            yield path.name, block
        for line in re.findall(r"`(az [^`]+)`", path.read_text()):
            yield path.name, line
    for path in sorted((ROOT / "infra" / "pipelines").glob("*.yml")):
        for block in re.findall(r"^#   (az .*(?:\n#     .*)*)", path.read_text(), re.MULTILINE):
            yield path.name, block.replace("\n#", "\n")
        yield from ((path.name, text) for text in _scripts(yaml.safe_load(path.read_text())))
    yield from (("doctor", line) for line in printed())


def _scripts(of: object) -> Iterator[str]:
    match of:
        case dict():
            yield from (str(of[key]) for key in ("run", "script", "inlineScript") if key in of)
            for each in of.values():
                yield from _scripts(each)
        case list():
            for each in of:
                yield from _scripts(each)
        case _:
            return


def name_of(words: Words) -> str:
    """The command's own name: what comes before its first option."""
    options = (n for n, word in enumerate(words) if word.startswith("-"))
    return " ".join(words[1 : next(options, len(words))])


def wrong(words: Words, known: Known) -> Iterator[str]:
    """Why az would refuse the call."""
    name = name_of(words)
    if name not in known:
        yield f"az has no command {name!r}"
        return
    options = {option: number for number, each in enumerate(known[name]) for option in each["options"]}
    given: dict[int, list[str]] = {}
    at: int | None = None
    for word in words[1 + len(name.split()) :]:
        option, equals, value = word.partition("=")
        if word.startswith("-") and option in options:
            at = options[option]
            given[at] = [value] if equals else []
        elif word.startswith("--"):
            yield f"az {name} has no option {word}"
            at = None
        elif at is not None:
            given[at].append(word)
    for number, each in enumerate(known[name]):
        option = each["options"][0]
        if number in given:
            yield from (f"az {name} {option}: {found}" for found in _values(each, given[number]))
        elif each.get("required"):
            yield f"az {name} needs {option}"


def _values(known: Known, values: list[str]) -> Iterator[str]:
    count = known.get("values", 1)
    if (count == 0 and values) or (count == 1 and len(values) != 1) or (count == "+" and not values):
        yield f"takes {count} values, and gets {len(values)}"
    for value in values:
        if known.get("choices") and value.lower() not in known["choices"] and "$" not in value:
            yield f"may not be {value}"


if __name__ == "__main__":
    json.dump(sorted({words for _, words in said()}), sys.stdout, indent=1)
