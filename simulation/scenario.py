"""What people and platforms do in one run: models come, votes are given, operators command, hands meddle.

Drawn from the seed, like the weather; each actor acts at times of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import SlotKey
from shared.errors import GreenlightError
from simulation.outcome import endpoint_of
from simulation.place import ANA, BEN, ENVIRONMENTS, OLGA, Pipeline, Place
from simulation.tasks import OTHER, Ballot
from simulation.twins.metrics import Answers
from simulation.twins.online import Seconds
from simulation.twins.scoring import answers
from simulation.weather import Mishap, Weather

GOOD, POOR, SICK, BROKEN, SAME = "good", "poor", "sick", "broken", "same"
FADING = "fading"
"""Good when it is asked by name, and failing once people ask it."""
KINDS = (GOOD,) * 14 + (POOR, POOR, SICK, BROKEN, SAME, SAME)
NAMES = ("titanic", "churn")


@dataclass(frozen=True)
class Version:
    """One registration: what it is, and when it comes."""

    model: str
    version: str
    kind: str
    after: float


def pipeline_of(chance: Random) -> Pipeline:
    return Pipeline(
        required=chance.choice((1, 1, 2)),
        warm=chance.choice(("0s", "0s", "10m", "2h")),
        newer=chance.choice(("supersede", "supersede", "supersede", "queue")),
        expires=chance.choice(("1h", "4h", "7d")),
    )


def with_rollout(pipeline: Pipeline, chance: Random) -> Pipeline:
    """In half of all seeds qa changes in steps. Drawn apart: what else a seed does stays as it was."""
    if chance.random() < 0.5:
        return pipeline
    return replace(
        pipeline,
        steps=chance.choice(((), (25, 100), (10, 50, 100))),
        mirror=chance.choice((0, 0, 20)),
        bake=chance.choice(("1m", "5m")),
        load=chance.choice((0.0, 600.0, 6000.0)),
    )


class Scenario:
    """Puts everything that is not the product into the host's agenda."""

    def __init__(self, host: Weather, chance: Random, rollouts: Random) -> None:
        self.host = host
        self.place: Place = host.place
        self.chance = chance
        self.versions = self._fading(self._versions(), rollouts)
        self.kinds = {(v.model, v.version): v.kind for v in self.versions}
        self.meddled: set[SlotKey] = set()
        """Slots that somebody changed by hand, or commanded: their ends are theirs."""
        self.lost: set[tuple[str, str]] = set()
        self._asked = 0
        for version in self.versions:
            host.at(version.after, OTHER, self._bound(self._comes, version))
        length = max(v.after for v in self.versions) + 3600.0
        self._often(chance.choice((0.0, 0.0, 0.0, 2.0)), length, self._meddles)
        self._often(chance.choice((0.0, 0.0, 0.0, 2.0)), length, self._commands)
        self._often(chance.choice((0.0, 3.0)), length, self._changes_pace)
        self.length = timedelta(seconds=length)

    def _often(self, times: float, length: float, what: Callable[[], None]) -> None:
        for _ in range(round(times * self.chance.random() * 2)):
            self.host.at(self.chance.uniform(0.0, length), OTHER, what)

    def _bound(self, what: Callable[[Version], None], version: Version) -> Callable[[], None]:
        return lambda: what(version)

    def _versions(self) -> list[Version]:
        found: list[Version] = []
        for model in NAMES[: self.chance.choice((1, 1, 2))]:
            after = 120.0  # the timer has run once: what was there before it is never promoted
            for number in range(1, self.chance.randint(2, 5)):
                kind = self.chance.choice(KINDS) if number > 1 else GOOD
                found.append(Version(model, str(number), kind, after))
                after += self.chance.expovariate(1 / self.chance.choice((60.0, 600.0, 3600.0)))
        return found

    def _fading(self, versions: list[Version], rollouts: Random) -> list[Version]:
        """Where a bake would find out, some good versions fade."""
        pipeline = self.place.pipeline
        watched = pipeline.bake != "0s" and pipeline.load > 0
        return [
            replace(v, kind=FADING)
            if watched and v.kind == GOOD and v.version != "1" and rollouts.random() < 0.3
            else v
            for v in versions
        ]

    # ---- models

    def _comes(self, v: Version) -> None:
        """A version is registered; its events come, or some do not."""
        self.host.note(f"{v.model} {v.version} is registered, a {v.kind} one")
        qa = self.place.workspaces["qa"]
        if v.kind == BROKEN:
            qa.breaks[v.model, v.version] = "ImageBuildFailure: conda"
            if int(v.version) % 2:
                qa.stuck.add((v.model, v.version))
        if v.kind == FADING:
            self.place.metrics.answers[v.model, v.version] = Answers(failing=0.5)
        if v.kind == SICK:
            self.place.scoring.models[v.model, v.version, f"{v.model}-qa"] = answers(500)
        content = f"bytes of {v.model} {int(v.version) - 1}" if v.kind == SAME else ""
        self.place.train(v.model, v.version, auc=0.5 if v.kind == POOR else 0.9, content=content)
        self.host.announces(self.place.registered(v.model, v.version))
        self.host.announces(self.place.completed(v.model, v.version))

    # ---- people

    def looks(self) -> None:
        """Approvers see what was asked since they last looked, and make up their minds."""
        asked = self.place.queues.parsed("approval-requests")
        for message in asked[self._asked :]:
            if message["kind"] == "approval.requested":
                self._is_asked(message["request"], message["model"], message["environment"])
        self._asked = len(asked)

    def _is_asked(self, request: dict[str, object], model: str, env: str) -> None:
        n = int(str(request["promotion"]).rpartition(".")[2])
        mood = self.chance.random()
        for who in (ANA, BEN):
            if mood < 0.12:
                return
            decision = Decision.REJECT if mood < 0.2 and who is BEN else Decision.APPROVE
            ballot = Ballot(
                SlotKey(model, env), n, int(str(request["number"])), str(request["hash"]), who, decision
            )
            self.host.answers(self.chance.expovariate(1 / 400.0), ballot)

    def _commands(self) -> None:
        """An operator says something. What the product answers is its own business."""
        key = self._slot()
        app = self.host.processes[0].app
        command = self.chance.choice(list(Command))
        self.meddled.add(key)
        self.host.note(f"Olga says {command} to {key}")
        reason = "because the seed says so"
        loaded = self.place.ledger().slot_row(key)
        if loaded is None:
            return
        n = max(1, loaded.state.slot.next_n - self.chance.choice((1, 1, 2)))
        self.host.calmly(
            lambda: (
                app.operating.promotion(command, key, n, by=OLGA, reason=reason)
                if command in (Command.ABORT, Command.RETRY)
                else app.operating.slot(command, key, by=OLGA, reason=reason)
            )
        )

    # ---- hands and platforms

    def _meddles(self) -> None:
        """Somebody changes the endpoint in the studio."""
        key = self._slot()
        endpoint, workspace = endpoint_of(self.place, key), self.place.workspaces[key.env]
        if endpoint is None:
            return
        names = sorted(endpoint.deployments)
        name = self.chance.choice(names) if names else ""
        deed = self.chance.choice(("nobody", "other", "delete", "endpoint", "marks"))
        self.meddled.add(key)
        self.host.note(f"somebody meddles with {endpoint.name}: {deed} {name}")
        try:
            if deed == "nobody":
                workspace.write_traffic(endpoint.name, {}, endpoint.tags)
            elif deed == "other" and name:
                workspace.write_traffic(endpoint.name, {name: 100}, endpoint.tags)
            elif deed == "delete" and name:
                workspace.delete_deployment(endpoint.name, name)
            elif deed == "endpoint":
                workspace.delete_endpoint(endpoint.name)
            elif deed == "marks":
                workspace.write_traffic(endpoint.name, endpoint.traffic, {"team": "other"})
        except GreenlightError as error:
            self.host.note(f"  the platform refuses: {error}")

    def _changes_pace(self) -> None:
        """The platform gets slower, or faster, or shows what was for longer."""
        for workspace in self.place.workspaces.values():
            workspace.online.seconds = Seconds(
                endpoint=self.chance.choice((1.0, 10.0, 120.0)),
                deployment=self.chance.choice((5.0, 60.0, 600.0, 3600.0)),
                traffic=self.chance.choice((0.5, 5.0, 30.0)),
                deletion=self.chance.choice((1.0, 60.0)),
                stale=self.chance.choice((0.0, 5.0, 25.0)),
            )

    def _slot(self) -> SlotKey:
        return SlotKey(self.chance.choice(self.versions).model, self.chance.choice(ENVIRONMENTS))


__all__ = ["Mishap", "Scenario", "Version", "pipeline_of", "with_rollout"]
