"""What a forked child does: shed the zygote's past, then run a function or a component's command.

`python script.py …` and `python -m module …` run in this very process, which has the libraries already;
anything else goes to a shell. Run as a module it does the same in a fresh interpreter, for systems on which
a process that has loaded native libraries cannot be forked safely.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import random
import re
import runpy
import shlex
import signal
import subprocess
import sys
import threading
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from local.azureml.zygote.protocol import Errand, Task, encode

if TYPE_CHECKING:
    from types import TracebackType

SHELL_ONLY = re.compile(
    r"[|&;<>()$`*?~{}\[\]#!\n]"
)  # any of these outside a Python command line needs a shell
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_report_to: list[int] = []


def report(data: dict[str, Any]) -> None:
    """Tell whoever started this child something, such as the port it listens on."""
    for descriptor in _report_to:
        os.write(descriptor, encode(data))


def run_and_exit(errand: Errand) -> NoReturn:
    """Ends as an interpreter does, except that it does not take its modules apart.

    Those are the zygote's memory: to touch every page of it would copy all of it, only to throw it away.
    """
    try:
        code = _run(errand)
    except SystemExit as ending:
        code = _code(ending.code)
    except BaseException:  # noqa: BLE001 - the last frame of the process: told as the interpreter would
        sys.excepthook(*sys.exc_info())  # pyright: ignore[reportArgumentType]
        code = 1
    threading._shutdown()  # noqa: SLF001 # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()  # noqa: SLF001 - both as multiprocessing ends its forked children
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _code(asked: object) -> int:
    if asked is None or isinstance(asked, int):
        return asked or 0
    print(asked, file=sys.stderr)
    return 1


def _run(errand: Errand) -> int:
    task = errand.task
    if not task.call:
        os.close(errand.report_to)
    else:
        _report_to.append(errand.report_to)
    _settle(task)
    threading.Thread(target=_die_with_the_zygote, args=(errand.lifeline,), daemon=True).start()
    if task.call:
        module, function = task.call.split(":")
        return getattr(importlib.import_module(module), function)(**task.args) or 0
    return _run_command(task.command)


def replace_process(errand: Errand) -> None:
    """Start over in a fresh interpreter; the two pipes stay open across the exec."""
    for descriptor in (errand.report_to, errand.lifeline):
        os.set_inheritable(descriptor, True)
    argument = json.dumps(asdict(errand))
    os.execv(sys.executable, [sys.executable, "-m", "local.azureml.zygote.child", argument])  # noqa: S606


def _settle(task: Task) -> None:
    os.environ.clear()
    os.environ.update(THREADS | task.env)
    os.chdir(task.cwd)
    Path(task.log).parent.mkdir(parents=True, exist_ok=True)
    log = os.open(task.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    sys.stdout = sys.__stdout__ = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _die_with_the_zygote(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _run_command(command: str) -> int:
    arguments = python_arguments(command)
    if arguments is None:
        return _as_shell_would(subprocess.run(["/bin/sh", "-c", command], check=False).returncode)
    for name in [n for n in sys.modules if n == "local" or n.startswith("local.")]:
        del sys.modules[name]  # a component may have a module of that name
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        _look_for_modules_in(Path.cwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    script = Path(arguments[0])
    if not script.is_file():
        print(
            f"python: can't open file {str(script)!r}: no such file in the component's code", file=sys.stderr
        )
        return 2
    sys.argv = arguments
    _look_for_modules_in(script.resolve().parent)
    sys.excepthook = functools.partial(_show, str(script))
    runpy.run_path(str(script), run_name="__main__")
    return 0


def python_arguments(command: str) -> list[str] | None:
    """What follows `python` in a command that needs no shell; None for every other command."""
    line = command.replace("\\\n", " ").strip()
    if SHELL_ONLY.search(line):
        return None
    words = shlex.split(line)
    if words and words[0] in ("python", "python3"):
        rest = words[2:] if words[1:2] == ["-u"] else words[1:]
        if rest and (not rest[0].startswith("-") or (rest[0] == "-m" and len(rest) > 1)):
            return rest
    return None


def _look_for_modules_in(folder: Path) -> None:
    """As `python script.py` would set it up: the script's folder first, the zygote's own nowhere."""
    sys.path[0] = str(folder)
    importlib.invalidate_caches()


def _show(script: str, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback that begins in the component's script, not in the machinery that runs it."""
    start = trace
    while start and start.tb_frame.f_code.co_filename != script:
        start = start.tb_next
    traceback.print_exception(kind, error, start or trace)


def _as_shell_would(code: int) -> int:
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    run_and_exit(Errand(Task(**told.pop("task")), **told))
