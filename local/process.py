"""One child process of the supervisor: started with a lifeline of its own, logged, ended for certain.

Ending it closes its lifeline, so whatever the process had started goes with it (see lifeline.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING

from local import lifeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TAIL_LINES = 15
KILL_SECONDS = 5.0  # the kernel needs a moment; a descendant that ignores its lifeline must not hang us


class Process:
    """A running command. `on_end` is called once, from a thread of its own, whatever the reason."""

    def __init__(
        self,
        command: list[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        show: Callable[[str], None] | None,
        on_end: Callable[[Process], None],
    ) -> None:
        read_end, self._lifeline = os.pipe()
        log.parent.mkdir(parents=True, exist_ok=True)
        sink = log.open("ab")
        try:
            self._child = subprocess.Popen(
                command,
                cwd=directory,
                env={**environment, lifeline.ENV: str(read_end)},
                pass_fds=(read_end,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if show else sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends all in order
            )
        except BaseException:
            os.close(self._lifeline)
            sink.close()
            raise
        finally:
            os.close(read_end)
        self.ended = threading.Event()
        self._on_end = on_end
        self._lock = threading.Lock()
        self._cut = False
        threading.Thread(target=self._wait, daemon=True).start()
        if show and self._child.stdout:
            threading.Thread(target=_copy, args=(self._child.stdout, sink, show), daemon=True).start()
        else:
            sink.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def code(self) -> int | None:
        return self._child.returncode

    def signal(self, number: int) -> None:
        if self._child.returncode is None:
            self._child.send_signal(number)

    def end(self, grace: float) -> None:
        """Ask it to end; insist after `grace` seconds. Returns when it is gone."""
        self.signal(signal.SIGTERM)
        self.ended.wait(grace)
        self.kill()

    def kill(self) -> None:
        """End it now, without giving it a chance to notice, and everything it started."""
        self.signal(signal.SIGKILL)
        self._cut_lifeline()
        self.ended.wait(KILL_SECONDS)

    def _wait(self) -> None:
        self._child.wait()
        self._cut_lifeline()
        self.ended.set()
        self._on_end(self)

    def _cut_lifeline(self) -> None:
        with self._lock:
            if not self._cut:
                self._cut = True
                os.close(self._lifeline)


def _copy(source: IO[bytes], sink: IO[bytes], show: Callable[[str], None]) -> None:
    with source, sink:
        for line in source:
            sink.write(line)
            sink.flush()
            show(line.decode(errors="replace").rstrip())


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
