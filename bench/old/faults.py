"""The faults of the comparison, in the order of the table: what is done to the twins, or done by people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bench.old.scene import MODEL, REALISTIC, Fault, Hit, Moment, Scene
from shared.errors import Busy, Forbidden, GreenlightError, Refused, Unavailable
from simulation.twins.scoring import Model, answers, predicts
from simulation.twins.workspace import TwinWorkspace


def sick(*envs: str, version: str = "2", how: Model | None = None) -> Hit:
    def hit(scene: Scene) -> None:
        for env in envs:
            scene.sick[version, env] = how or answers(500)

    return hit


def fails(call: str, error: GreenlightError, *, after_effect: bool = False) -> Hit:
    """The next such call in qa."""
    return lambda scene: scene.town.qa.faults.fail(call, error, after_effect=after_effect)


def deployment_ends(error: str, *envs: str) -> Hit:
    def hit(scene: Scene) -> None:
        for env in envs:
            scene.workspace(env).breaks = Once({(MODEL, "2"): error})

    return hit


class Once(dict[tuple[str, str], str]):
    """What goes wrong only the first time."""

    def get(self, key: tuple[str, str], default: str = "") -> str:  # type: ignore[override]
        return self.pop(key, default)


def slower(**seconds: float) -> Hit:
    def hit(scene: Scene) -> None:
        for workspace in _both(scene):
            workspace.online.seconds = replace(REALISTIC, **seconds)

    return hit


def _both(scene: Scene) -> Iterator[TwinWorkspace]:
    yield from (scene.town.dev, scene.town.qa)


def unreadable(scene: Scene) -> None:
    """What the quality gate compares with: the incumbent's files there, the run's metrics here."""
    scene.town.blobs.faults.fail("read", Forbidden("AuthorizationPermissionMismatch"))
    scene.town.runs.faults.fail("run", Unavailable("503"))


def turns_sick(scene: Scene) -> None:
    sick("qa")(scene)
    scene.go_back_by_hand("1")


EMPTY = predicts([])
CRASH = "ResourceNotReady: user container has crashed or terminated"
CANCELED = "OperationCanceled: another operation of higher priority was started"
QUOTA = Refused("not enough cores: 8 needed, 4 left", code="OutOfQuota")
IN_PROGRESS = Busy("409 Conflict: another operation is in progress")
HAS_TRAFFIC = Refused("the deployment has live traffic", code="BadRequest")

FAULTS: tuple[Fault, ...] = (
    Fault(name="None", lessons="§3"),
    Fault(name="qa: the candidate answers 500", lessons="§3, W1", hits={Moment.ASKED: sick("qa")}),
    Fault(
        name="qa, first deployment: the candidate answers 500",
        lessons="§3, W3",
        first=True,
        hits={Moment.ASKED: sick("qa")},
    ),
    Fault(
        name="qa: creating the deployment is refused (quota)",
        lessons="§3, W11",
        hits={Moment.ASKED: fails("create_deployment", QUOTA)},
    ),
    Fault(
        name="qa: conflict at the traffic update",
        lessons="§3, W11",
        hits={Moment.TAGGED: fails("write_traffic", IN_PROGRESS)},
    ),
    Fault(
        name="dev: the candidate answers 500, as it does in qa",
        lessons="§3, W2",
        hits={Moment.START: sick("dev", "qa")},
    ),
    Fault(
        name="Reads say Succeeded with the old weights, writes are refused, for two minutes after a write",
        lessons="P1, P3",
        hits={Moment.START: slower(stale=120.0)},
    ),
    Fault(
        name="qa: the deployment's operation is cancelled by another one",
        lessons="P2",
        hits={Moment.ASKED: deployment_ends(CANCELED, "qa")},
    ),
    Fault(
        name="A fresh deployment answers 404 for two minutes",
        lessons="P4",
        hits={Moment.START: slower(routed=120.0)},
    ),
    Fault(
        name="qa: deleting the old deployment is refused once, its traffic still counts as live",
        lessons="P5",
        hits={Moment.ASKED: fails("delete_deployment", HAS_TRAFFIC)},
    ),
    Fault(
        name="qa: somebody gives all traffic to a hotfix (7) while approval is awaited",
        lessons="P6, W11",
        hits={Moment.ASKED: lambda scene: scene.fix_by_hand("7")},
    ),
    Fault(
        name="qa, first deployment: the endpoint is created, its answer is lost",
        lessons="P7",
        first=True,
        hits={Moment.ASKED: fails("create_endpoint", Unavailable("502"), after_effect=True)},
    ),
    Fault(
        name="qa: the container crashes (ResourceNotReady)",
        lessons="P14",
        hits={Moment.ASKED: deployment_ends(CRASH, "qa")},
    ),
    Fault(
        name="qa, first deployment: the container crashes",
        lessons="P14, W3",
        first=True,
        hits={Moment.ASKED: deployment_ends(CRASH, "qa")},
    ),
    Fault(
        name="dev: the container crashes, as it does in qa",
        lessons="P14, W2",
        hits={Moment.START: deployment_ends(CRASH, "dev", "qa")},
    ),
    Fault(
        name="dev and qa, first deployment: the candidate answers 500",
        lessons="W3",
        first=True,
        hits={Moment.START: sick("dev", "qa")},
    ),
    Fault(
        name="qa: the candidate answers 200 with an empty list",
        lessons="W3",
        hits={Moment.ASKED: sick("qa", how=EMPTY)},
    ),
    Fault(
        name="A worse model (0.60), and what the gate compares cannot be read at first",
        lessons="W4",
        quality=0.60,
        hits={Moment.START: unreadable},
    ),
    Fault(
        name="3 (0.60) comes from a notebook; the next run trains 4 (0.70), worse than what serves",
        lessons="W8",
        version="4",
        quality=0.70,
        hits={Moment.START: lambda scene: scene.register("3", 0.60)},
    ),
    Fault(
        name="Somebody else registers 3 (0.60) while the run trains 2",
        lessons="W9",
        hits={Moment.TRAINED: lambda scene: scene.register("3", 0.60)},
    ),
    Fault(
        name="2 comes from a notebook; the next run trains 3 (0.60)",
        lessons="W9",
        version="3",
        quality=0.60,
        hits={Moment.START: lambda scene: scene.register("2", 0.86)},
    ),
    Fault(
        name="Somebody registers 3 (0.60) after the run has listed its version",
        lessons="W10",
        hits={Moment.LISTED: lambda scene: scene.register("3", 0.60)},
    ),
    Fault(
        name="Somebody registers 7 in qa between approval and deployment",
        lessons="W10",
        hits={Moment.APPROVED: lambda scene: scene.register_in_qa("7")},
    ),
    Fault(
        name="The machine is lost between tag and traffic, then 3 comes",
        lessons="W11",
        dies=Moment.TAGGED,
        later=("3",),
    ),
    Fault(name="A run of 3 starts 3 minutes after that of 2", lessons="W12", together=("3",)),
    Fault(
        name="A run of 3 starts 7 minutes and 20 seconds after that of 2",
        lessons="W12",
        together=("3",),
        apart=440.0,
    ),
    Fault(
        name="The machine is lost once the candidate is created in qa, and the job is started again",
        lessons="W13",
        dies=Moment.CREATED,
        rerun=True,
    ),
    Fault(
        name="qa, `warm: 24h`: hours later 2 answers 500; somebody gives the traffic to 1, if it is there",
        lessons="W14",
        warm=True,
        hits={Moment.LATER: turns_sick},
    ),
    Fault(
        name="A deployment takes 70 minutes",
        lessons="W15",
        hits={Moment.ASKED: slower(deployment=4200.0)},
    ),
    Fault(
        name="A file is altered on its way from dev to qa",
        lessons="W16",
        hits={Moment.COPIED: lambda scene: scene.spoil()},
    ),
)
