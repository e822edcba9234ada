"""Runs the product from its deployment package instead of from the checkout, with nothing else on its path.

In Azure the platform unpacks the zip, its build installs requirements.txt into `.python_packages` beside the
code, and the worker starts with these two on the path. Here the same distributions, resolved as pip resolves
them, are linked from this environment; so nothing is fetched, and what is not required is not there.
The host's own code comes last, from a folder of links that hold no module of the product.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
import zipfile
from collections import Counter
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.metadata import distributions as installed
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from local.config import LocalConfig

LIBRARIES = Path(".python_packages", "lib", "site-packages")  # where Azure's build puts them
HOST_NEEDS = ("uvicorn", "starlette", "urllib3")
_OPTION = re.compile(r"-r\s+(\S+)")


class PackageUnusable(Exception):
    """The package cannot be unpacked, or its requirements are not to be had; the message says which."""


def unpacked(config: LocalConfig) -> Path:
    return config.home / "package"


def install(config: LocalConfig, zipped: Path) -> None:
    """Unpack it and give it its libraries, as Azure's build does."""
    root, host = unpacked(config), config.home / "host"
    for folder in (root, host):
        shutil.rmtree(folder, ignore_errors=True)
    unpack(zipped, root)
    try:
        link(required(root / "requirements.txt"), root / LIBRARIES)
    except FileNotFoundError as error:
        raise PackageUnusable(f"{zipped}: {Path(error.filename).name} is not in it") from error
    link(closure(Requirement(name) for name in HOST_NEEDS), host)
    (host / "local").symlink_to(Path(__file__).parent)


def unpack(zipped: Path, root: Path) -> None:
    try:
        with zipfile.ZipFile(zipped) as source:
            source.extractall(root)
    except (OSError, zipfile.BadZipFile) as error:
        raise PackageUnusable(f"{zipped}: {error}. To build one: python -m infra.package {zipped}") from error


def command(config: LocalConfig) -> list[str]:
    """Neither site-packages (-S) nor the folder it is started in (-P) is on the path."""
    return [sys.executable, "-S", "-P", "-m", "local.functions", "--root", str(unpacked(config))]


def path(config: LocalConfig) -> str:
    """PYTHONPATH of the host: the product first, as in Azure's worker."""
    root = unpacked(config)
    return ":".join(str(folder) for folder in (root, root / LIBRARIES, config.home / "host"))


def required(requirements: Path) -> list[Distribution]:
    """What `pip install -r` would install, here."""
    return closure(_read(requirements))


def _read(requirements: Path) -> Iterator[Requirement]:
    for line in requirements.read_text(encoding="utf-8").splitlines():
        text = line.partition(" #")[0].strip()
        included = _OPTION.fullmatch(text)
        if included:
            yield from _read(requirements.parent / included[1])
        elif text and not text.startswith(("#", "-c")):
            yield _requirement(text, requirements)


def _requirement(text: str, where: Path) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise PackageUnusable(f"{where.name}: {text!r} is not a requirement: {error}") from error


def closure(wanted: Iterable[Requirement]) -> list[Distribution]:
    """The distributions that satisfy these requirements, and theirs, and so on."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    open_ = list(wanted)
    while open_:
        requirement = open_.pop()
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if not _applies(requirement, "") or (name, extra) in seen:
                continue
            seen.add((name, extra))
            found[name] = chosen = _installed(requirement)
            open_ += (n for n in map(Requirement, chosen.requires or ()) if _asked(n, extra))
    return [found[name] for name in sorted(found)]


def _asked(requirement: Requirement, extra: str) -> bool:
    """Without a marker it is asked for anyway, and was when the extra was the empty one."""
    if requirement.marker is None:
        return not extra
    return _applies(requirement, extra) and (not extra or not _applies(requirement, ""))


def _applies(requirement: Requirement, extra: str) -> bool:
    environment = {**default_environment(), "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def _installed(requirement: Requirement) -> Distribution:
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError as error:
        raise PackageUnusable(f"{requirement} is required and not installed here. Run: make setup") from error
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise PackageUnusable(f"{requirement} is required, {found.version} is installed. Run: make setup")
    return found


def link(distributions: Iterable[Distribution], folder: Path) -> None:
    """Their files as links; one for a whole folder where nobody else has a part: there are thousands."""
    owners = Counter(
        within for each in installed() for within in {f for path in _files(each) for f in _around(path)}
    )
    for each in distributions:
        for path in {_widest(path, owners) for path in _files(each)}:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_symlink():
                target.symlink_to(Path(str(each.locate_file(path))))


def _files(of: Distribution) -> list[str]:
    """As installed, without scripts, which lie elsewhere. (`of.files` would ask the disk about each.)"""
    lines = csv.reader((of.read_text("RECORD") or "").splitlines())
    return [line[0] for line in lines if line and ".." not in line[0].split("/")]


def _around(path: str) -> list[str]:
    """The folders that it lies in, the widest first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _widest(path: str, owners: Mapping[str, int]) -> str:
    """The widest folder around it that nobody else has a part of, else the file itself."""
    return next((folder for folder in _around(path) if owners[folder] == 1), path)
