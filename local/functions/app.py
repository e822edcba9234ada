"""Loads a function app the way the Python worker does, with the worker's checks, so that an app which loads
here loads in Azure: one app object in the entry module, parameters matching bindings, annotations that the
library's converters accept.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
import traceback
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import azure.functions as func

from local.functions import settings

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("host")

ENTRY = "function_app"
OUT = 1  # BindingDirection.OUT
TRIGGERS = ("httpTrigger", "queueTrigger", "timerTrigger", "eventGridTrigger")
OUTPUTS = ("http", "queue")


class AppLoadError(Exception):
    """The app cannot be loaded: no function of it exists, exactly as in Azure."""


@dataclass(frozen=True)
class Binding:
    """One trigger, input or output: `properties` is its function.json form."""

    name: str
    type: str
    properties: dict[str, Any]
    python_type: Any = None

    @property
    def generic(self) -> bool:
        """Annotated as text or bytes: the body is handed over as it came."""
        return self.python_type in (str, bytes)


@dataclass(frozen=True)
class LoadedFunction:
    """A function that passed the worker's checks."""

    name: str
    call: Callable[..., Any]
    is_async: bool
    wants_context: bool
    directory: str
    trigger: Binding
    outputs: tuple[Binding, ...]


def load(root: Path) -> list[LoadedFunction]:
    """Import the entry module from `root` and index its functions."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    if not (root / f"{ENTRY}.py").exists():
        raise AppLoadError(f"{root} has no {ENTRY}.py")
    try:
        module = importlib.import_module(ENTRY)
        _check_origin(root)
        functions = _app(module).get_functions()
    except AppLoadError:
        raise
    except BaseException as error:  # even SystemExit: the app's import decides nothing
        raise AppLoadError(_explain(error, root)) from error
    loaded = [_load(f, root) for f in functions]
    return [f for f in loaded if not settings.disabled(f.name)]


def _check_origin(root: Path) -> None:
    """A module of that name from elsewhere on the path would run instead of the app's, unseen."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        own = "." not in name and ((root / name / "__init__.py").exists() or (root / f"{name}.py").exists())
        if own and file and not Path(file).resolve().is_relative_to(root):
            raise AppLoadError(f"{name} was loaded from {file}, not from {root}")


def _app(module: Any) -> Any:
    apps = [v for v in vars(module).values() if isinstance(v, func.FunctionRegister)]
    if len(apps) > 1:
        raise AppLoadError(f"{ENTRY}.py defines {len(apps)} app objects at top level; the worker allows one")
    if not apps:
        raise AppLoadError(f"{ENTRY}.py has no FunctionApp at top level")
    return apps[0]


def _explain(error: BaseException, root: Path) -> str:
    """The last frame inside the app is where its author has to look."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(root)]
    mine = [f for f in frames if "site-packages" not in f.filename and Path(f.filename) != Path(__file__)]
    where = f" ({Path(mine[-1].filename).relative_to(root)}, line {mine[-1].lineno})" if mine else ""
    return f"{ENTRY}.py could not be loaded: {type(error).__name__}: {error}{where}; no function exists"


def _load(function: Any, root: Path) -> LoadedFunction:
    name = function.get_function_name()
    call = function.get_user_function()
    hints = _hints(name, call)
    parameters = set(inspect.signature(call).parameters)
    bindings = {b.name: _binding(b, hints) for b in function.get_bindings()}
    directions = {b.name: b.direction for b in function.get_bindings()}
    wants_context = "context" in parameters and "context" not in bindings
    _check_parameters(name, parameters - ({"context"} if wants_context else set()), set(bindings))
    if wants_context and getattr(hints.get("context", func.Context), "__name__", "") != "Context":
        raise AppLoadError(f"{name}: the parameter context must be of type azure.functions.Context")
    for binding in bindings.values():
        _check_binding(name, binding, out=directions[binding.name] == OUT)
    trigger = bindings[function.get_trigger().name]
    if trigger.type not in TRIGGERS:
        raise AppLoadError(f"{name}: this host has no {trigger.type}; it has {', '.join(TRIGGERS)}")
    if function.get_setting("retry_policy"):
        log.warning("%s: retry policies are not carried out here", name)
    return LoadedFunction(
        name=name,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        wants_context=wants_context,
        directory=str(root),
        trigger=trigger,
        outputs=tuple(b for b in bindings.values() if directions[b.name] == OUT),
    )


def _hints(name: str, call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(call)
    except NameError as error:
        raise AppLoadError(
            f"{name}: {error}; annotations of a function must exist at run time, not only for a type checker"
        ) from error


def _binding(binding: Any, hints: dict[str, Any]) -> Binding:
    hint = hints.get("return" if binding.name == "$return" else binding.name)
    if typing.get_origin(hint) is func.Out:
        hint = typing.get_args(hint)[0]
    return Binding(binding.name, binding.type, dict(binding.get_dict_repr()), hint)


def _check_parameters(name: str, parameters: set[str], bound: set[str]) -> None:
    bound = bound - {"$return"}
    if parameters - bound:
        raise AppLoadError(f"{name}: parameters without a binding: {', '.join(sorted(parameters - bound))}")
    if bound - parameters:
        raise AppLoadError(f"{name}: bindings without a parameter: {', '.join(sorted(bound - parameters))}")


def _check_binding(name: str, binding: Binding, *, out: bool) -> None:
    if out and binding.type not in OUTPUTS:
        raise AppLoadError(f"{name}: this host has no output of type {binding.type}")
    converter = func.get_binding_registry().get(binding.type)
    hint = binding.python_type
    if hint is None or binding.generic or converter is None:
        return
    check = converter.check_output_type_annotation if out else converter.check_input_type_annotation
    if not isinstance(hint, type) and typing.get_origin(hint) is None:
        raise AppLoadError(f"{name}: the annotation of {binding.name} is not a type: {hint!r}")
    if not check(hint):
        raise AppLoadError(
            f"{name}: {binding.type} cannot be a {getattr(hint, '__name__', hint)} ({binding.name})"
        )
