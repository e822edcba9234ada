"""Where the story is told: a cloud of its own, or one that runs already."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from typing import TYPE_CHECKING

from local import control
from local import home as homes
from local.cloud import Cloud, CloudError
from local.config import PORTS, LocalConfig
from local.demo.people import author_env
from local.demo.waiting import NotSo
from local.environment import foreign
from local.npm import NodeMissing
from local.services import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

FIRST_BASE, LAST_BASE, STRIDE = 7170, 9970, 100  # beside the default of `make up`
USUAL_PACE = 10.0


class Place:
    """A local cloud for as long as the story needs it. `keep`: leave it running afterwards."""

    def __init__(self, config: LocalConfig, *, runs: bool, keep: bool) -> None:
        self.config = config
        self.keep = keep
        self.runs = runs  # before the story: then it is not ours to end
        self._cloud: Cloud | None = None
        self._started = False

    def start(self) -> None:
        try:
            if not self.runs:
                self._start()
        except (CloudError, NodeMissing) as error:
            raise NotSo("every service of the local cloud ready", error, self.config.home / "logs") from error
        self._started = True
        for name in filter(foreign, list(os.environ)):  # the story's own clients are as clean as its services
            del os.environ[name]
        os.environ.update(author_env(self.config))

    def stop(self) -> None:
        if self._cloud:
            self._cloud.stop()

    def silent(self) -> list[str]:
        """Services that do not answer."""
        return [s.name for s in SERVICES if not s.ready(self.config)]

    def trouble(self) -> NotSo | None:
        """What is wrong with the cloud itself: then nobody need wait for what a service would have done."""
        gone: object = self._cloud.failure if self._cloud else None
        if not gone and self._started and not homes.running(self.config.home):
            gone = "somebody stopped it"
        return NotSo("the local cloud running", gone, self.config.home / "logs") if gone else None

    def _start(self) -> None:
        if not self.keep:
            self._cloud = Cloud(self.config)
            self._cloud.start()
            return
        config, said = self.config, io.StringIO()
        words = ["up", "--home", str(config.home), "--port-base", str(config.port_base)]
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = control.detach(config, words)
        if code:
            raise CloudError(said.getvalue().strip())


def choose(home: Path, port_base: int | None, *, keep: bool, pace: float = USUAL_PACE) -> Place:
    """The cloud that runs in `home`; else a new one there on free ports, without an older story's data."""
    home = home.resolve()
    if homes.running(home):
        return Place(control.config_of(home), runs=True, keep=True)
    _empty(home)
    config = LocalConfig(home=home, port_base=port_base or _free_base(home), pace=pace)
    config.save()  # from now on the folder is known to be a cloud's
    return Place(config, runs=False, keep=keep)


def _empty(home: Path) -> None:
    if not home.exists() or not any(home.iterdir()):
        return
    if not (home / "config.json").exists():
        raise CloudError(f"{home} is not empty and not the home of a local cloud; name another with --home")
    shutil.rmtree(home)


def _free_base(home: Path) -> int:
    for base in range(FIRST_BASE, LAST_BASE, STRIDE):
        if not homes.taken(LocalConfig(home=home, port_base=base), PORTS):
            return base
    raise CloudError("found no free ports; name the first of a free block with --port-base")
