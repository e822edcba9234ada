"""The deployment package: a zip of what .funcignore lets through. Azure's build adds the libraries.

python -m infra.package [greenlight.zip] [--list]

The same tree makes the same bytes. Needs nothing but Python: a deploying machine has no environment of ours.
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IGNORE = ".funcignore"
ENTRY = ("function_app.py", "host.json", "requirements.txt")
"""Without these the Functions host finds no app."""
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say; the clock must not change the package


class PackageError(Exception):
    """The package cannot be built; the message says what is missing."""


@dataclass(frozen=True)
class Rule:
    """One line of the file: the last that fits a path decides about it."""

    pattern: re.Pattern[str]
    folders_only: bool
    lets_in: bool

    def fits(self, path: str, *, folder: bool) -> bool:
        return (folder or not self.folders_only) and self.pattern.fullmatch(path) is not None


def rules(text: str) -> list[Rule]:
    """gitignore's syntax as far as the file needs it: `#`, `!`, `/` at either end or within, `*`, `**/`."""
    found: list[Rule] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line.startswith("#"):
            continue
        body = line.removeprefix("!")
        bare = body.rstrip("/")
        anywhere = "" if "/" in bare else "(?:.*/)?"
        pattern = anywhere + _expression(bare.removeprefix("/"))
        found.append(Rule(re.compile(pattern), body.endswith("/"), lets_in=body != line))
    return found


def _expression(glob: str) -> str:
    words = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return "".join(words.get(word) or re.escape(word) for word in re.split(r"(\*\*/|\*)", glob))


def contents(root: Path) -> list[str]:
    """Paths of what is sent, in order."""
    return sorted(_below(root, "", rules((root / IGNORE).read_text(encoding="utf-8"))))


def _below(root: Path, folder: str, known: Sequence[Rule]) -> Iterator[str]:
    """What is below an ignored folder cannot be let in again, as in git."""
    for entry in (root / folder).iterdir():
        path = f"{folder}{entry.name}"
        deciding = [rule for rule in known if rule.fits(path, folder=entry.is_dir())]
        if deciding and not deciding[-1].lets_in:
            continue
        if entry.is_dir():
            yield from _below(root, f"{path}/", known)
        else:
            yield path


def build(root: Path, target: Path) -> list[str]:
    """Write the zip; returns what is in it."""
    paths = contents(root)
    missing = [name for name in ENTRY if name not in paths]
    if missing:
        raise PackageError(
            f"{', '.join(missing)}: not in {root}, or {IGNORE} keeps it out; no app without it"
        )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in paths:
            entry = zipfile.ZipInfo(path, DATE)
            entry.external_attr = 0o100644 << 16
            package.writestr(entry, (root / path).read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.package", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("target", nargs="?", type=Path, default=Path("greenlight.zip"))
    parser.add_argument("--list", action="store_true", help="say what would be in it, write nothing")
    chosen = parser.parse_args()
    if chosen.list:
        print(*contents(ROOT), sep="\n")
        return 0
    try:
        paths = build(ROOT, chosen.target)
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    size = chosen.target.stat().st_size / 1024
    print(f"{chosen.target}: {len(paths)} files, {size:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
