"""A process of the local cloud lives no longer than its supervisor, even after `kill -9` of the latter.

The supervisor keeps the write end of a pipe and hands the read end down, named by ENV. Nothing is ever
written: the kernel closes the pipe when the supervisor dies, whatever the way, and every reader sees the
end and exits. A descendant started with `subprocess` needs `pass_fds=lifeline.fds()`; a forked one calls
`watch()` again, because threads do not survive a fork.
"""

from __future__ import annotations

import os
import stat
import threading

ENV = "GREENLIGHT_LOCAL_LIFELINE"
_watched_by: set[int] = set()


def fds() -> tuple[int, ...]:
    """File descriptors to hand to children (`pass_fds`); empty when nobody supervises this process."""
    value = os.environ.get(ENV)
    return (int(value),) if value and _is_pipe(int(value)) else ()


def _is_pipe(fd: int) -> bool:
    """The variable is inherited by every descendant, the descriptor only by those it was handed to."""
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:
        return False


def watch() -> None:
    """Exit this process at once when the supervisor is gone. Without a supervisor: does nothing."""
    if os.getpid() in _watched_by:
        return
    for fd in fds():
        _watched_by.add(os.getpid())
        threading.Thread(target=_exit_at_end_of, args=(fd,), name="lifeline", daemon=True).start()


def _exit_at_end_of(fd: int) -> None:
    while os.read(fd, 1):
        pass
    os._exit(0)
