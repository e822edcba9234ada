"""Promotion stories, told over a place with a host: what kill points and interleavings are swept over.

A story has a beginning that is never disturbed (`before`), and a part that is. People act on what they
see, and try again when the page answers with an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import SlotKey
from shared.identity import Principal
from shared.queues import APPROVAL_DECISIONS
from simulation.channel import signed
from simulation.host import Host
from simulation.place import ANA, BEN, Pipeline
from simulation.tasks import ORDER, OTHER, RESUME, VOTE, Ballot, Said
from simulation.twins.metrics import Answers
from simulation.twins.scoring import answers

MODEL = "titanic"
DEV, QA = SlotKey(MODEL, "dev"), SlotKey(MODEL, "qa")
LONG = timedelta(hours=3)


class NothingToAnswer(Exception):
    """The story cannot go on: nobody was asked."""


class Scene:
    """A place, a host, and the people in it."""

    def __init__(self, host: Host) -> None:
        self.place = host.place
        self.host = host

    def rest(self, most: timedelta = LONG) -> None:
        """Let everything happen that happens by itself. Nobody waits for what comes late."""
        self.host.run(most, awaited=frozenset({RESUME, OTHER}))

    def arrives(self, version: str, *, auc: float = 0.85, content: str = "") -> None:
        """A version is registered, its event comes, and all goes as far as it can."""
        self.place.train(MODEL, version, auc=auc, content=content)
        self.host.publish(self.place.registered(MODEL, version))
        self.rest()

    def votes(self, who: Principal, decision: Decision) -> None:
        """On the latest request of the newest open promotion."""
        ballot, _ = self._ballot(who, decision)
        self.host.at(0.0, VOTE, ballot)
        self.rest()

    def has_signed(self, who: Principal, decision: Decision) -> None:
        """The same through a channel, which brings a signed message to the queue."""
        ballot, version = self._ballot(who, decision)
        self.host.at(0.0, APPROVAL_DECISIONS, signed(ballot, version, self.place.clock.now()))
        self.rest()

    def orders(self, command: Command, reason: str, key: SlotKey = QA) -> None:
        """An operator says something to a slot, and says it again when the page answers with an error."""
        self.host.at(0.0, ORDER, self.said(command, reason, key))
        self.rest()

    def said(self, command: Command, reason: str, key: SlotKey = QA) -> Said:
        return Said(key, command, reason, f"{command} because {reason}")

    def _ballot(self, who: Principal, decision: Decision) -> tuple[Ballot, str]:
        loaded = self.place.ledger().load(QA)
        if loaded is None or not loaded.state.requests:
            raise NothingToAnswer(f"{QA} asks nobody, and {who.name} came to answer")
        n, request = max(loaded.state.requests.items())
        version = loaded.state.promotions[n].registration.version
        return Ballot(QA, n, request.k, request.hash, who, decision), version

    def live(self, version: str, **how: str) -> None:
        """From its registration to 100 % in the last environment."""
        self.arrives(version, **how)  # type: ignore[arg-type]
        self.votes(ANA, Decision.APPROVE)


def _nothing(_: Scene) -> None:
    return


def _first_serves(scene: Scene) -> None:
    scene.live("1")


def _is_asked(scene: Scene) -> None:
    scene.arrives("1")


@dataclass(frozen=True)
class Story:
    """One story; `pipeline` says under which rules."""

    name: str
    told: Callable[[Scene], None]
    before: Callable[[Scene], None] = _nothing
    pipeline: Pipeline = field(default_factory=Pipeline)


def _blue_green(scene: Scene) -> None:
    scene.live("2")


def _rejection(scene: Scene) -> None:
    scene.arrives("2")
    scene.votes(ANA, Decision.REJECT)


def _probe_fails(scene: Scene) -> None:
    scene.arrives("2")
    scene.place.scoring.models[MODEL, "2"] = answers(500)  # it answers in dev, and breaks in qa
    scene.votes(ANA, Decision.APPROVE)


def _deploy_fails(scene: Scene) -> None:
    scene.place.workspaces["qa"].breaks[MODEL, "2"] = "ImageBuildFailure: conda"
    scene.live("2")


def _supersede(scene: Scene) -> None:
    scene.arrives("2")
    scene.live("3")


def _expiry(scene: Scene) -> None:
    scene.arrives("2")
    scene.host.leap(timedelta(days=7))
    scene.rest()


def _gate(scene: Scene) -> None:
    scene.arrives("2", auc=0.5)


def _unchanged(scene: Scene) -> None:
    scene.arrives("2", content="bytes of titanic 1")


def _quorum(scene: Scene) -> None:
    scene.arrives("1")
    scene.votes(ANA, Decision.APPROVE)
    scene.votes(BEN, Decision.APPROVE)


def _channel(scene: Scene) -> None:
    """Two ways to one quorum, and one person on both of them."""
    scene.has_signed(ANA, Decision.APPROVE)
    scene.votes(ANA, Decision.APPROVE)
    scene.has_signed(BEN, Decision.APPROVE)


def _two_serve(scene: Scene) -> None:
    scene.live("1")
    scene.live("2")
    scene.host.run_for(timedelta(minutes=2))


def _rolled_back(scene: Scene) -> None:
    """In one write while what served before is kept, deployed anew after that; then automation goes on."""
    scene.host.at(0.0, ORDER, scene.said(Command.ROLLBACK, "wrong scores"))
    scene.host.run_for(timedelta(minutes=2))
    scene.orders(Command.RESUME, "mended")


def _retired(scene: Scene) -> None:
    scene.orders(Command.RETIRE, "no longer needed")


def _healed(scene: Scene) -> None:
    scene.place.train(MODEL, "2")
    scene.host.publish(scene.place.completed(MODEL, "2"))
    scene.rest()


def _sickens(scene: Scene) -> None:
    """Good by name, and bad once people ask it."""
    scene.place.metrics.answers[MODEL, "2"] = Answers(failing=0.5)
    scene.live("2")


CANARY = Pipeline(steps=(20, 100), bake="15s", warm="10m")
STORIES = (
    Story("first deployment", _first_serves),
    Story("blue/green", _blue_green, _first_serves, Pipeline(warm="10m")),
    Story("canary", _blue_green, _first_serves, CANARY),
    Story("mirror", _blue_green, _first_serves, Pipeline(mirror=20, bake="15s")),
    Story("automatic rollback", _sickens, _first_serves, CANARY),
    Story("rejection", _rejection, _first_serves),
    Story("probe failure", _probe_fails, _first_serves),
    Story("deployment failure", _deploy_fails, _first_serves),
    Story("supersede", _supersede, _first_serves),
    Story("expiry", _expiry, _first_serves),
    Story("gate", _gate, _first_serves),
    Story("unchanged", _unchanged, _first_serves),
    Story("quorum of two", _quorum, pipeline=Pipeline(required=2)),
    Story("votes through a channel", _channel, _is_asked, Pipeline(required=2)),
    Story("event lost, run seen", _healed, _first_serves),
    Story("rollback while it is warm", _rolled_back, _two_serve, Pipeline(warm="10m")),
    Story("rollback after that", _rolled_back, _two_serve),
    Story("retirement", _retired, _first_serves),
)
