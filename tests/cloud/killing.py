"""kill -9 for the functions host, at a moment that a seed chooses and that can be had again.

A moment is a step of the product, counted in the host's log since the start, and a pause after it: so it is
always in the middle of the work, on fast machines and on slow ones.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.cloud import Cloud

HOST = "functions"
STEP = "I greenlight"  # one line for each fact, vote, decision and action
IDLE = "greenlight.sweep"
LAST_STEP = 98  # the story has about a hundred
LONGEST_PAUSE = 0.4
LOOK_SECONDS = 0.01


class Kill:
    """Started with the story; `after` says what the host had said last, once it is dead."""

    def __init__(self, cloud: Cloud, seed: int, last_step: int = LAST_STEP) -> None:
        chance = random.Random(seed)  # noqa: S311 - a choice that can be repeated
        self.step = chance.randint(1, last_step)
        self.pause = chance.uniform(0, LONGEST_PAUSE)
        self.after = ""
        self._cloud = cloud
        self._path = cloud.config.home / "logs" / f"{HOST}.log"
        self._from = self._path.stat().st_size
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __str__(self) -> str:
        return f"{self.pause:.2f} s after step {self.step}: {self.after}"

    def __enter__(self) -> Kill:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def done(self) -> bool:
        return bool(self.after)

    def _run(self) -> None:
        with self._path.open() as log:
            log.seek(self._from)
            steps, begun = 0, ""
            while not self._over.is_set():
                line = begun + log.readline()
                if not line.endswith("\n"):
                    begun = line
                    self._over.wait(LOOK_SECONDS)
                    continue
                begun = ""
                steps += STEP in line and IDLE not in line
                if steps >= self.step:
                    time.sleep(self.pause)
                    self._cloud.kill(HOST)
                    self.after = line.strip()
                    return
