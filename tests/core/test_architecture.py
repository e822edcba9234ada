"""The house rules that a program can check: who may import whom, and where the outside may be touched."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LONGEST = 300
CORE = {
    *("approval", "model", "case", "world", "policy", "events", "goals", "asking", "closing", "opening"),
    *(
        "stops",
        "reminding",
        "shifting",
        "seen",
        "bound",
        "registration",
        "serving",
        "chance",
        "health",
        "health_policy",
        "rollout_policy",
        "plan",
        "baking",
    ),
    *("findings", "given", "promoting", "returning", "retiring", "orphans", "policy_changes"),
    *("decide", "outcomes", "votes", "gates", "probing", "traffic", "journal", "words", "commands"),
    *("adopting", "foreign", "obeying", "troubles", "catalogue", "deploying", "channel_policy"),
    *(
        "approval_policy",
        "policy_parts",
        "outbox",
        "telling",
        "delivering",
        "rebuilding",
        "prices",
        "gate_policy",
        "preflight",
        "signature",
    ),
    "looks",
    *("anchors", "comparing"),
    "overlap",
}
# Whatever answers differently tomorrow, or reaches beyond the process. Everything else of the library may.
NO_CORE = {
    *("os", "io", "sys", "pathlib", "tempfile", "shutil", "sqlite3", "platform", "getpass"),
    *("signal", "locale", "time", "logging", "random", "uuid", "secrets", "contextvars"),
    *("socket", "ssl", "http", "urllib", "subprocess", "threading", "asyncio", "multiprocessing"),
    "concurrent",
}
CLOCKS = {"now", "utcnow", "today", "fromtimestamp"}
NO_CALLS = {"open", "print", "input", "eval", "exec", "__import__"}
# Where a process starts: its environment is read there.
EDGES = {"orchestrator/app.py", "orchestrator/cli.py"}
LAPTOP = ("localhost", "127.0.0.1", "azurite", "emulator", "greenlight.test", "is_local", "greenlight_local")
# The command line sends a token without TLS to its own machine only, whichever cloud it speaks to.
PLAIN_HTTP = {"orchestrator/client.py"}
HEAVY = ("azure.ai.ml", "mlflow")
SIGNING = ("jwt", "cryptography")  # loaded with the first signed vote
NEVER = (
    *HEAVY,
    "pandas",
    "numpy",
    "aiohttp",
    "azure.storage.blob",
    "azure.identity",
    "jinja2",
    "local",
    *SIGNING,
)


def modules(*folders: str) -> list[Path]:
    """Python files by path, the folders' own first."""
    return [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]


PRODUCT = [ROOT / "function_app.py", *modules("orchestrator", "shared")]


def told(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def runtime(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, except what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from runtime(child)


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Dotted names; `from a.b import c` counts as a.b and as a.b.c, for c may be a module."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def everywhere(path: Path) -> set[str]:
    return imported(ast.walk(tree(path)))


def at_import(path: Path) -> set[str]:
    """What is imported when the module is: not what its functions import later."""

    def top(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            yield child
            yield from top(child)

    return imported(top(tree(path)))


def below(names: set[str], *packages: str) -> set[str]:
    return {n for n in names if any(n == p or n.startswith(f"{p}.") for p in packages)}


# ---- the core


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_imports_the_library_pydantic_and_itself(name: str) -> None:
    names = everywhere(ROOT / "orchestrator" / f"{name}.py")
    ours = below(names, "orchestrator")
    foreign = {n for n in names - ours if n.partition(".")[0] not in {*sys.stdlib_module_names, "pydantic"}}

    assert foreign | below(names, *NO_CORE) == set()
    assert ours - below(ours, *(f"orchestrator.{n}" for n in CORE)) == set()


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_asks_no_clock_and_touches_nothing(name: str) -> None:
    calls = [n for n in ast.walk(tree(ROOT / "orchestrator" / f"{name}.py")) if isinstance(n, ast.Call)]

    clocks = {c.func.attr for c in calls if isinstance(c.func, ast.Attribute)} & CLOCKS
    effects = {c.func.id for c in calls if isinstance(c.func, ast.Name)} & NO_CALLS

    assert clocks | effects == set()


# ---- who knows whom


def test_shared_knows_no_rule() -> None:
    assert {told(p) for p in modules("shared") if below(everywhere(p), "orchestrator")} == set()


def test_only_the_triggers_know_azure_functions() -> None:
    assert [told(p) for p in PRODUCT if below(everywhere(p), "azure.functions")] == ["function_app.py"]


def test_nothing_of_the_product_knows_the_local_cloud() -> None:
    files = [*PRODUCT, *modules("ml", "infra")]

    assert {told(p) for p in files if below(everywhere(p), "local", "tests", "bench")} == set()


def test_only_the_command_line_knows_the_simulation() -> None:
    knowing = {told(p) for p in [*PRODUCT, *modules("ml", "infra")] if below(everywhere(p), "simulation")}

    assert knowing <= {"orchestrator/cli.py"}
    assert {
        told(p) for p in modules("simulation") if below(everywhere(p), "local", "tests", "bench")
    } == set()


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    assert {told(p): below(at_import(p), *HEAVY) for p in PRODUCT if below(at_import(p), *HEAVY)} == {}


@pytest.mark.parametrize("door", ["orchestrator.intake", "orchestrator.web.app", "orchestrator.channels"])
def test_what_accepts_events_and_votes_cannot_reach_azure_ml(door: str) -> None:
    """Followed through functions too: the ingest and the approval path never load an Azure ML package."""
    seen: set[Path] = set()
    ahead = [door]
    while ahead:
        path = ROOT / f"{ahead.pop().replace('.', '/')}.py"
        if path.exists() and path not in seen:
            seen.add(path)
            ahead += imported(runtime(tree(path)))

    assert {
        told(p) for p in seen if below(imported(runtime(tree(p))), *HEAVY, "azure.core.pipeline")
    } == set()


def test_importing_the_app_loads_nothing_heavy() -> None:
    program = f"import sys, function_app\nprint([m for m in {NEVER!r} if m in sys.modules])"

    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert said.strip() == "[]"


# ---- where the outside may be touched


def test_the_environment_is_read_where_a_process_starts() -> None:
    reading = {
        told(p)
        for p in PRODUCT
        if any(isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv") for n in ast.walk(tree(p)))
        or below(everywhere(p), "os.environ", "os.getenv")
    }

    assert reading == EDGES


def test_the_time_is_read_in_one_place() -> None:
    reading = {
        told(p)
        for p in PRODUCT
        for n in ast.walk(tree(p))
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr in ("now", "utcnow", "today")
        and ast.unparse(n.func.value).rpartition(".")[2] in ("datetime", "date")
    }

    assert reading == {"shared/clock.py"}


def _words(path: Path) -> Iterator[str]:
    """Names and texts of the code; docstrings and comments may speak of anything."""
    prose = {
        id(n.body[0].value)
        for n in ast.walk(tree(path))
        if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)
        and n.body
        and isinstance(n.body[0], ast.Expr)
    }
    for node in ast.walk(tree(path)):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word):
                yield word
            case ast.Constant(value=str() as word) if id(node) not in prose:
                yield word


def test_no_code_knows_that_it_runs_on_a_laptop() -> None:
    found = {(told(p), w) for p in PRODUCT for w in _words(p) for mark in LAPTOP if mark in w.lower()}

    assert {(file, word) for file, word in found if file not in PLAIN_HTTP} == set()


# ---- size


def test_a_file_can_be_read_in_one_sitting() -> None:
    files = [
        p for p in [*PRODUCT, *modules("local", "ml", "bench", "simulation")] if "node_modules" not in p.parts
    ]

    assert {told(p): n for p in files if (n := len(p.read_text().splitlines())) > LONGEST} == {}
