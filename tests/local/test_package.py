"""The local host on a deployment package: it imports what is there, and what is missing is found out."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import package as packing
from local import environment, package
from local.appsettings import ROOT
from local.cloud import Cloud, CloudError
from local.config import LocalConfig
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 180
IMPORT = "import sys, json, function_app, orchestrator.web.app; print(json.dumps({m: f for m, v in \
sys.modules.items() if (f := getattr(v, '__file__', None))}))"
FIND = (
    "import sys, json, importlib.util as u\nfor m in json.load(sys.stdin):\n try: found = u.find_spec(m)\n \
except ModuleNotFoundError: found = None\n if not found: print(m)"
)


@contextmanager
def built() -> Iterator[LocalConfig]:
    with tempfile.TemporaryDirectory(prefix="gl-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        sent = home / "greenlight.zip"
        packing.build(ROOT, sent)
        yield LocalConfig(home=home, port_base=free_port_base(), package=sent)


@pytest.fixture
def config() -> Iterator[LocalConfig]:
    with built() as config:
        yield config


@pytest.fixture(scope="module")
def ready() -> Iterator[LocalConfig]:
    """Unpacked, its libraries beside it."""
    with built() as config:
        assert config.package
        package.install(config, config.package)
        yield config


def without(zipped: Path, name: str, *, instead: str = "") -> None:
    """The same package with one file left out, or with another text in it."""
    with zipfile.ZipFile(zipped) as source:
        kept = {n: source.read(n) for n in source.namelist() if n != name}
    with zipfile.ZipFile(zipped, "w") as target:
        for each, content in ({**kept, name: instead.encode()} if instead else kept).items():
            target.writestr(each, content)


def run(config: LocalConfig, code: str, given: str = "") -> str:
    """In a process that has the package and its libraries on the path, as Azure's worker has."""
    root = package.unpacked(config)
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code],
        cwd=config.home,
        env={**environment.own(os.environ), "PYTHONPATH": f"{root}:{root / package.LIBRARIES}"},
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_by(source: Path) -> set[str]:
    """Every module that a file imports, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case _:
                pass
    return found


def test_the_app_is_imported_from_the_package_alone(ready: LocalConfig) -> None:
    found = {name: Path(file) for name, file in json.loads(run(ready, IMPORT)).items()}

    root = package.unpacked(ready)
    ours = {
        n: f for n, f in found.items() if n.partition(".")[0] in {"function_app", "orchestrator", "shared"}
    }
    assert len(ours) > 20
    assert {n: f for n, f in ours.items() if not f.is_relative_to(root)} == {}
    assert {n: f for n, f in found.items() if f.is_relative_to(ROOT)} == {}
    assert {n for n in found if n.partition(".")[0] in {"local", "tests", "simulation", "uvicorn"}} == set()


def test_what_the_app_imports_late_is_required_too(ready: LocalConfig) -> None:
    """Also what only one command, or one call of the SDK, needs."""
    sources = [ROOT / path for path in packing.contents(ROOT) if path.endswith(".py")]
    wanted = set[str]().union(*map(imported_by, sources)) - {"__future__"}

    missing = set(run(ready, FIND, json.dumps(sorted(wanted))).split())

    assert missing <= {"simulation.cli"}  # `greenlight simulate` belongs to the checkout, and says so
    assert {"azure.ai.ml", "mlflow"} <= wanted


def test_a_module_missing_in_the_package_is_named(config: LocalConfig) -> None:
    assert config.package
    without(config.package, "shared/names.py")

    with pytest.raises(CloudError, match=r"functions ended with exit code 3") as told:
        Cloud(config, only=("functions",)).__enter__()

    assert "No module named 'shared.names'" in str(told.value)


def test_a_library_missing_in_the_requirements_is_named(config: LocalConfig) -> None:
    assert config.package
    lines = (ROOT / "requirements.in").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("itsdangerous")]
    without(config.package, "requirements.in", instead="\n".join(kept))

    with pytest.raises(CloudError, match="No module named 'itsdangerous'"):
        Cloud(config, only=("functions",)).__enter__()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda zipped: zipped.write_text("not a zip"), "not a zip file"),
        (lambda zipped: zipped.unlink(), "No such file"),
        (lambda zipped: without(zipped, "requirements.txt"), "requirements.txt is not in it"),
        (
            lambda zipped: without(zipped, "requirements.in", instead="nobody-has-this==1.0"),
            "nobody-has-this==1.0 is required and not installed here",
        ),
        (
            lambda zipped: without(zipped, "requirements.in", instead="pydantic==0.1"),
            r"pydantic==0\.1 is required, [\d.]+ is installed",
        ),
        (
            lambda zipped: without(zipped, "requirements.in", instead="?"),
            "requirements.in: '\\?' is not a requirement",
        ),
    ],
    ids=["no zip", "no file", "no requirements", "unknown library", "another version", "no sense"],
)
def test_a_package_that_cannot_be_used_is_refused_before_anything_starts(
    config: LocalConfig, change: object, said: str
) -> None:
    assert callable(change)
    change(config.package)
    cloud = Cloud(config, only=("functions",))

    with pytest.raises(CloudError, match=said):
        cloud.__enter__()


def test_code_from_elsewhere_is_not_taken_for_the_app_s(config: LocalConfig, tmp_path: Path) -> None:
    """A `shared` that stands earlier on the path, as of a library of that name."""
    elsewhere = tmp_path / "shared"
    elsewhere.mkdir()
    (elsewhere / "__init__.py").write_text(f"__path__ = [{str(package.unpacked(config) / 'shared')!r}]")
    path = f"{tmp_path}:{package.path(config)}"

    with pytest.raises(CloudError, match=r"shared was loaded from .*, not from"):
        Cloud(config, only=("functions",), settings={"PYTHONPATH": path}).__enter__()
