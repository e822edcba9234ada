"""The old CI pipeline, modelled step by step: what its two stages call, in which order, and what stops them.

Written by us from the published script's behaviour. Its shell matters more than its commands: dev runs with
`set -e`, qa without, so there the last command alone decides the exit code; whoever creates the endpoint
leaves with `exit 0`; the stage after a failed one runs, for its condition asks only whether there is a
new version.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta

from bench.old.az import Az, AzOnline, T, Waits
from bench.old.scene import MODEL, Killed, Moment, Scene
from shared.errors import GreenlightError
from simulation.twins.clock import TwinClock

TRAINING = 600.0
JOB_LIMIT = timedelta(minutes=60)
"""Of a job on a hosted agent."""
REQUEST = b'{"input_data": {"columns": ["a"], "data": [[1]]}}'
CANCELED, LOST = "canceled", "agent lost"


class Exit(Exception):
    """`set -e` at a command that failed."""


class Shell:
    """One script of a step: remembers how its last command ended."""

    def __init__(self, *, fail_fast: bool) -> None:
        self._fail_fast = fail_fast
        self.code = 0

    def run(self, command: Waits[T]) -> Waits[T | None]:
        try:
            value = yield from command
        except GreenlightError as error:
            self.code = 1
            if self._fail_fast:
                raise Exit from error
            return None
        self.code = 0
        return value


@dataclass
class Run:
    """One run of the pipeline. Exits are numbers, or words for a job that was ended from outside."""

    scene: Scene
    version: str
    """What this run's training registers, if its evaluation lets it."""
    quality: float
    dev: list[object] = field(default_factory=list[object])
    qa: list[object] = field(default_factory=list[object])
    new: bool = False
    """The flag `runme`: there is a version that was not there before."""
    final: str = ""

    def dev_stage(self) -> Waits[None]:
        yield from self._job(self._dev_job(), self.dev)

    def qa_stage(self) -> Waits[None]:
        """After somebody pressed approve."""
        yield from self._job(self._qa_job(), self.qa)

    # ---- dev

    def _dev_job(self) -> Waits[int]:
        az, shell = Az(self.scene.town, self.scene.town.dev), Shell(fail_fast=False)
        first = yield from shell.run(az.newest(MODEL))
        yield from self._train(az)
        self.scene.reach(Moment.TRAINED)
        last = yield from shell.run(az.newest(MODEL))
        self.final = last.version if last else ""
        if self.final == (first.version if first else "0"):
            return shell.code
        self.new = True
        yield from shell.run(az.download(MODEL, self.final))  # and never looked at again
        downloaded = shell.code
        self.scene.reach(Moment.LISTED)
        # The next step's own condition replaces the usual one: it runs even if this one failed.
        return (yield from self._deploy(az, "titanic-dev", fail_fast=True)) or downloaded

    def _train(self, az: Az) -> Waits[None]:
        """The pipeline job: trains, compares with the newest registered version, registers when not worse."""
        yield TRAINING
        if (yield from self._worse(az)):
            return
        self.scene.register(self.version, self.quality)
        yield 1.0

    def _worse(self, az: Az) -> Waits[bool]:
        try:
            incumbent = yield from az.newest(MODEL)
            if incumbent is None:
                return False
            yield from az.download(MODEL, incumbent.version)
        except GreenlightError:  # any error looks like "no incumbent"
            return False
        return self.quality < self.scene.quality[incumbent.version]

    # ---- qa

    def _qa_job(self) -> Waits[int]:
        dev, qa = (Az(self.scene.town, w) for w in (self.scene.town.dev, self.scene.town.qa))
        shell = Shell(fail_fast=False)
        disk = (yield from shell.run(dev.download(MODEL, self.final))) or {}
        if shell.code:
            return shell.code
        self.scene.spoil = lambda: _truncate(disk)
        self.scene.reach(Moment.COPIED)
        yield from shell.run(qa.create_model(MODEL, self.final, disk))
        if shell.code:
            return shell.code
        self.scene.reach(Moment.APPROVED)
        return (yield from self._deploy(qa, "titanic-qa", fail_fast=False))

    # ---- both

    def _deploy(self, az: Az, endpoint: str, *, fail_fast: bool) -> Waits[int]:
        shell = Shell(fail_fast=fail_fast)
        new = f"deployment{self.final}v{int(self.scene.town.clock.now().timestamp())}"

        def reach(moment: Moment) -> None:
            self._reach(moment, endpoint)

        try:
            yield from deploy_script(az, shell, endpoint, MODEL, new, reach=reach)
        except Exit:
            return 1
        return shell.code

    def _reach(self, moment: Moment, endpoint: str) -> None:
        """Moments of the deployment are those in qa."""
        if not endpoint.endswith("-qa"):
            return
        self.scene.reach(moment)
        if self.scene.fault.dies is moment and self.version == self.scene.fault.version and not self.qa:
            raise Killed

    def _job(self, steps: Waits[int], exits: list[object]) -> Waits[None]:
        """On a hosted agent, which is taken away when the time is up."""
        clock = self.scene.town.clock
        ends = clock.now() + JOB_LIMIT
        try:
            while True:
                pause = next(steps)
                if clock.now() + timedelta(seconds=pause) >= ends:
                    steps.close()
                    exits.append(CANCELED)
                    return
                yield pause
        except StopIteration as done:
            exits.append(done.value)
        except Killed:
            exits.append(LOST)


def deploy_script(
    az: AzOnline,
    shell: Shell,
    endpoint: str,
    model: str,
    new: str,
    *,
    reach: Callable[[Moment], object] = lambda _: None,
    body: bytes = REQUEST,
) -> Waits[None]:
    """The deployment step of both stages. `reach` is told the moments between its commands."""
    if (yield from az.endpoints_called(endpoint)) != 1:
        yield from shell.run(az.create_endpoint(endpoint))
        yield from shell.run(az.create_deployment(endpoint, new, model))
        yield from shell.run(az.update_endpoint(endpoint, new, {new: 100}))
        shell.code = 0  # `exit 0`, whatever happened
        return
    old = (yield from shell.run(az.tag(endpoint))) or ""
    yield from shell.run(az.create_deployment(endpoint, new, model))
    reach(Moment.CREATED)
    yield from shell.run(az.invoke(endpoint, new, body))
    yield from shell.run(az.update_endpoint(endpoint, new))
    reach(Moment.TAGGED)
    yield from shell.run(az.update_endpoint(endpoint, new, {new: 100, old: 0}))
    yield from shell.run(az.delete_deployment(endpoint, old))


def take_turns(clock: TwinClock, *scripts: tuple[float, Generator[float, None, None]]) -> None:
    """(seconds until it starts, script): whoever's wait is over first goes on, until all are done."""
    start = clock.now()
    due = [
        (start + timedelta(seconds=after), number, script) for number, (after, script) in enumerate(scripts)
    ]
    heapq.heapify(due)
    while due:
        at, n, script = heapq.heappop(due)
        clock.advance(max(0.0, (at - clock.now()).total_seconds()))
        for pause in script:
            heapq.heappush(due, (clock.now() + timedelta(seconds=pause), n, script))
            break


def _truncate(disk: dict[str, bytes]) -> str:
    name = max(disk)
    disk[name] = disk[name][:3]
    return name
