"""Handlers that can stop in the middle of a call while others go on. One runs at a time, so a run repeats.

A fiber is a thread that runs only while it is told to: the real code needs no change to be interrupted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Killed(BaseException):
    """The process ended here. Not an Exception: no handler of the product may see it."""


class Fiber:
    """`work`, in pieces. It must stop nowhere but in `pause`, and let nothing but Killed escape."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._killed = False
        self.done = False

    def resume(self) -> bool:
        """Run until it pauses or ends; True: it has ended."""
        if not self._thread.ident:
            self._thread.start()
        self._go.release()
        self._back.acquire()
        return self.done

    def kill(self) -> None:
        """Its process dies while it pauses."""
        self._killed = True
        if self._thread.ident and not self.done:
            self.resume()
        self.done = True

    def pause(self) -> None:
        """Called by the work itself, wherever it waits for somebody else."""
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except Killed:
            pass
        finally:
            self.done = True
            self._back.release()
