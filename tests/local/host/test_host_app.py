"""Loading an app as the worker does: what it refuses, and what it makes of a good one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from local.functions.app import ENTRY, AppLoadError, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROLOGUE = "import azure.functions as func\napp = func.FunctionApp()\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An app folder whose module is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    saved = sys.modules.pop(ENTRY, None)
    yield tmp_path
    sys.modules.pop(ENTRY, None)
    if saved:
        sys.modules[ENTRY] = saved


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (
            "import no_such_module\n",
            "No module named 'no_such_module' (function_app.py, line 1); no function exists",
        ),
        ("1 / 0\n", "ZeroDivisionError"),
        ("def f(:\n", "SyntaxError"),
        ("raise SystemExit(0)\n", "SystemExit"),
        ("x = 1\n", "no FunctionApp at top level"),
        (PROLOGUE + "other = func.FunctionApp()\n", "2 app objects"),
        (
            PROLOGUE + "@app.route(route='a')\ndef a(req: func.HttpRequest, extra: str) -> str: ...\n",
            "a: parameters without a binding: extra",
        ),
        (
            PROLOGUE + "@app.route(route='a')\ndef a(other: func.HttpRequest) -> str: ...\n",
            "a: parameters without a binding: other",
        ),
        (
            PROLOGUE + "@app.route(route='a')\ndef a(req: func.QueueMessage) -> str: ...\n",
            "a: httpTrigger cannot be a QueueMessage (req)",
        ),
        (
            PROLOGUE + "@app.route(route='a')\ndef a(req: func.HttpRequest) -> int: ...\n",
            "a: http cannot be a int ($return)",
        ),
        (
            "from __future__ import annotations\n"
            + PROLOGUE
            + "@app.route(route='a')\ndef a(req: Unknown) -> str: ...\n",
            "a: name 'Unknown' is not defined",
        ),
        (
            PROLOGUE + "@app.route(route='a')\ndef a(req: func.HttpRequest) -> str: ...\n"
            "@app.function_name('a')\n@app.route(route='b')\ndef b(req: func.HttpRequest) -> str: ...\n",
            "unique function name",
        ),
        (
            PROLOGUE + "@app.blob_trigger('b', path='p', connection='C')\ndef a(b: func.InputStream): ...\n",
            "this host has no blobTrigger",
        ),
    ],
)
def test_app_that_cannot_be_loaded(folder: Path, source: str, complaint: str) -> None:
    (folder / "function_app.py").write_text(source)

    with pytest.raises(AppLoadError) as failure:
        load(folder)

    assert complaint in str(failure.value)


def test_functions_of_a_good_app(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blueprints count, switched-off functions do not."""
    monkeypatch.setenv("AzureWebJobs.off.Disabled", "true")
    (folder / "function_app.py").write_text(
        PROLOGUE + "part = func.Blueprint()\n"
        "@part.function_name('named')\n@part.timer_trigger('t', schedule='0 * * * * *')\n"
        "async def any_name(t: func.TimerRequest, context: func.Context): ...\n"
        "@part.event_grid_trigger('e')\ndef off(e: str): ...\n"
        "app.register_functions(part)\n"
    )

    [function] = load(folder)

    assert (function.name, function.is_async, function.wants_context) == ("named", True, True)
    assert function.trigger.type == "timerTrigger"
    assert function.trigger.properties["schedule"] == "0 * * * * *"


def test_folder_without_an_entry(folder: Path) -> None:
    with pytest.raises(AppLoadError, match=r"has no function_app\.py"):
        load(folder)
