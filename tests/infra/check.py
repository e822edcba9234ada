"""python -m tests.infra.check [FILE …]    what is wrong with Bicep files; of infra/, without one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.infra import shapes, symbols
from tests.infra.bicep import Unreadable
from tests.infra.meaning import Finding, load

INFRA = Path(__file__).parents[2] / "infra"


def files() -> list[Path]:
    return sorted([*INFRA.rglob("*.bicep"), *INFRA.rglob("*.bicepparam")])


def findings(paths: Iterable[Path]) -> list[Finding]:
    found: list[Finding] = []
    for path in paths:
        try:
            file = load(path)
        except Unreadable as error:
            found.append(Finding(path.name, 0, str(error)))
            continue
        if path.suffix == ".bicepparam":
            found += symbols.check_parameters(file)
        else:
            found += [*symbols.check(file), *shapes.check(file)]
    return sorted(found)


def main(arguments: list[str]) -> int:
    found = findings(map(Path, arguments) if arguments else files())
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
