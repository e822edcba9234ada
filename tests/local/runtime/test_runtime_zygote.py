"""The zygote: what its children see, and that none outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.azureml.zygote.child import python_arguments
from local.azureml.zygote.client import Zygote
from local.azureml.zygote.protocol import Task
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.config import LocalConfig

# The server without the heavy imports: what is tested here does not need them.
BARE = """
import sys
from pathlib import Path
from local.azureml.zygote import child
from local.azureml.zygote.server import Server
errand = Server(Path(sys.argv[1]), None).serve()
if errand is not None:
    child.replace_process(errand) if sys.argv[2] == "exec" else child.run_and_exit(errand)
"""


@pytest.fixture(params=["fork", "exec"])
def zygote(request: pytest.FixtureRequest) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Both ways of making a child: `exec` is for systems where forking is not safe."""
    with tempfile.TemporaryDirectory(prefix="gl-") as folder:
        path = Path(folder) / "z.sock"
        with subprocess.Popen([sys.executable, "-c", BARE, str(path), request.param]) as process:
            try:
                eventually(path.exists, 10, "the zygote listens")
                yield path, process
            finally:
                process.kill()


def run(path: Path, folder: Path, command: str, **env: str) -> tuple[int, str]:
    """Exit code and log of one command."""

    async def story() -> int:
        zygote = Zygote(path)
        child = await zygote.start(_task(folder, command, env))
        code = await asyncio.wait_for(child.ended(), 20)
        await zygote.close()
        return code

    return asyncio.run(story()), (folder / "log").read_text()


def _task(folder: Path, command: str, env: dict[str, str], name: str = "child") -> Task:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return Task(name, {"PATH": path, **env}, str(folder), str(folder / "log"), command=command)


Started = tuple[Path, "subprocess.Popen[bytes]"]


def test_a_script_sees_only_its_own_world(zygote: Started, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WORD = 'beside'")
    (tmp_path / "step.py").write_text(
        "import os, sys, beside\n"
        "print(__name__, sys.argv, beside.WORD, os.getcwd(), sorted(os.environ))\n"
        "print(len(os.listdir('/dev/fd')), 'open')"
    )

    code, log = run(zygote[0], tmp_path, "python step.py --name 'Ada Author'", COLOUR="red")

    assert code == 0
    assert log.startswith(f"__main__ ['step.py', '--name', 'Ada Author'] beside {tmp_path} ")
    assert "'COLOUR', " in log
    assert "GREENLIGHT" not in log
    assert "5 open" in log  # the standard three, the lifeline, and the listing itself


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('no such column')", 1, "no such column"),
        ("def f():\n    raise ValueError('boom')\nf()", 1, "ValueError: boom"),
        ("import atexit; atexit.register(print, 'goodbye')", 0, "goodbye"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ],
)
def test_a_script_ends_as_it_would_by_itself(
    zygote: Started, tmp_path: Path, script: str, code: int, said: str
) -> None:
    (tmp_path / "step.py").write_text(script)

    ended, log = run(zygote[0], tmp_path, "python step.py")

    assert (ended, said in log) == (code, True)


def test_a_traceback_begins_in_the_script(zygote: Started, tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text("raise ValueError('boom')")

    _, log = run(zygote[0], tmp_path, "python step.py")

    assert "runpy" not in log
    assert 'File "step.py", line 1' in log


def test_modules_and_shell_commands_run_too(zygote: Started, tmp_path: Path) -> None:
    package = tmp_path / "steps"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "train.py").write_text("import sys; print('module', sys.argv[1:])")

    assert run(zygote[0], tmp_path, "python -m steps.train a b") == (0, "module ['a', 'b']\n")
    assert run(zygote[0], tmp_path, "echo one && exit 4")[0] == 4
    assert (tmp_path / "log").read_text().endswith("one\n")


def test_stopping_a_child_ends_all_it_started(zygote: Started, tmp_path: Path) -> None:
    async def story() -> None:
        client = Zygote(zygote[0])
        child = await client.start(_task(tmp_path, "trap '' TERM; sleep 300 & echo $!; wait; wait", {}))
        log = tmp_path / "log"
        grandchild = int(eventually(lambda: log.exists() and log.read_text().strip(), 10, "it started"))
        assert await asyncio.wait_for(client.stop(child, 0.2), 10) != 0
        eventually(lambda: not _alive(grandchild), 5, "the grandchild is gone")
        await client.close()

    asyncio.run(story())


def test_a_second_client_finds_what_the_first_started(zygote: Started, tmp_path: Path) -> None:
    async def story() -> None:
        first, second = Zygote(zygote[0]), Zygote(zygote[0])
        await first.start(_task(tmp_path, "sleep 300", {}, "sleeper"))
        await first.close()

        found = await second.find("sleeper")
        assert found is not None
        with pytest.raises(RuntimeError, match="sleeper runs already"):
            await second.start(_task(tmp_path, "sleep 300", {}, "sleeper"))
        await second.stop(found, 1.0)
        assert await second.find("sleeper") is None
        await second.close()

    asyncio.run(story())


def test_children_die_with_the_zygote(zygote: Started, tmp_path: Path) -> None:
    path, process = zygote

    async def story() -> int:
        client = Zygote(path)
        child = await client.start(_task(tmp_path, "sleep 300", {}))
        process.send_signal(signal.SIGKILL)
        assert await asyncio.wait_for(child.ended(), 10) == -9
        await client.close()
        return child.pid

    pid = asyncio.run(story())
    eventually(lambda: not _alive(pid), 5, "the child is gone")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or ") Z " not in stat.read_text()  # a zombie waits for its parent only


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python a.py --x 1", ["a.py", "--x", "1"]),
        ("python3 -u a.py 'two words'", ["a.py", "two words"]),
        ("python -m pkg.mod x", ["-m", "pkg.mod", "x"]),
        ("python a.py \\\n  --x 1\n", ["a.py", "--x", "1"]),
        ("python a.py && echo done", None),
        ("python a.py > out", None),
        ("python a.py $HOME", None),
        ("python -c 'print(1)'", None),
        ("python", None),
        ("X=1 python a.py", None),
        ("echo python a.py", None),
        ("python a.py\npython b.py", None),
    ],
)
def test_only_plain_python_command_lines_run_in_the_child_itself(command: str, expected: Any) -> None:
    assert python_arguments(command) == expected


def test_children_of_the_cloud_have_the_libraries_and_one_thread(
    platform: LocalConfig, tmp_path: Path
) -> None:
    (tmp_path / "step.py").write_text(
        "import sys, threading, os\n"
        "print('mlflow.sklearn' in sys.modules, 'local' in sys.modules, os.environ['OMP_NUM_THREADS'])"
    )

    assert run(platform.home / "zygote.sock", tmp_path, "python step.py") == (0, "True False 1\n")
