"""What the steps share: the place, the people, the versions so far, and what happens more than once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.demo import tickets
from local.demo.load import Counts
from local.demo.people import APPROVER, Author, Visitor
from local.demo.waiting import NotSo, check, equal, wait
from local.demo.world import Endpoint, Scored, World, link_of, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.ai.ml.entities import Job

    from local.demo.place import Place
    from local.demo.telling import Teller

SOURCE, TARGET = "dev", "qa"
JOB_SECONDS = 120.0
MOVE_SECONDS = 120.0  # from what somebody does to where the promotion comes to rest next
JOB_NODES = ("prep", "train", "evaluate", "register")
JOB_ENDS = ("Completed", "Failed", "Canceled")
PHASES = (
    "Received",
    "Gating",
    "AwaitingApproval",
    "Registering",
    "Deploying",
    "Verifying",
    "Shifting",
    "Ended",
)
Promotion = dict[str, Any]  # as the API shows it
Sightings = list[tuple[dict[str, int], str]]  # weights and what was said of them, one after the other


@dataclass(frozen=True)
class Step:
    """`do` lets it happen; `verify` reads the world and says what it showed, or raises NotSo."""

    title: str
    do: Callable[[Story], None]
    verify: Callable[[Story], str]


@dataclass
class Candidate:
    """One version of the model."""

    version: str
    auc: float
    run_id: str
    card: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Serving:
    """What serves in the target: the version, and the endpoint as a whole."""

    candidate: Candidate
    endpoint: Endpoint
    deployment: str


class Story:
    def __init__(self, place: Place, model: str, tell: Teller) -> None:
        self.place = place
        self.model = model
        self.tell = tell
        self.world = World(place.config, model)
        self.author = Author(place.config, model)
        self._newest: Candidate | None = None
        self._serving: Serving | None = None
        self.load = Counts()  # of the last time there was load
        self.seen: Sightings = []

    @property
    def newest(self) -> Candidate:
        """The version in hand."""
        if self._newest is None:
            raise LookupError("no version has been trained yet")
        return self._newest

    @property
    def serving(self) -> Serving:
        """What served in the target when that was last verified."""
        if self._serving is None:
            raise LookupError("nothing has been verified to serve yet")
        return self._serving

    @property
    def link(self) -> str:
        """Behind the button of the newest version's card."""
        return link_of(self.newest.card)

    def _cloud_runs(self) -> None:
        if trouble := self.place.trouble():
            raise trouble

    # ---- Ada

    def train(self, variant: str) -> None:
        """A pipeline job, to its end; the version that it registered is the newest."""
        client = self.world.workspace(SOURCE)
        job = self.author.submit(client, variant)

        def look() -> Job:
            self._cloud_runs()
            found = client.jobs.get(job)
            self._show_job(job, word(found.status))
            return found

        read = self.place.config.home / "jobs" / job
        ended = wait(
            look,
            lambda j: word(j.status) in JOB_ENDS,
            within=JOB_SECONDS,
            expected=f"job {job} ended",
            read=read,
            show=lambda j: word(j.status),
        )
        equal(f"job {job}", "Completed", word(ended.status), read)
        models = client.models.list(self.model)
        made = next((m for m in models if (m.tags or {}).get("run_id") == job), None)
        check(f"a version registered by job {job}", "none", read, holds=made is not None)
        assert made is not None  # noqa: S101 - checked above; for the type checker
        self._newest = Candidate(str(made.version), float((made.tags or {})["test_auc"]), job)

    def _show_job(self, job: str, status: str) -> None:
        nodes = [str(j.display_name) for j in self.world.workspace(SOURCE).jobs.list(parent_job_name=job)]
        now = nodes[-1] if nodes else "submitted"
        self.tell.progress(len(nodes), len(JOB_NODES), f"job {job}: {status}, {now}")

    def log_and_register(self, variant: str) -> None:
        """No job: one MLflow run with its metrics, and a version registered from it."""
        self.tell.progress(0, len(PHASES) - 1, f"{variant}: trained and registered through MLflow")
        made = self.author.register(variant)
        self._newest = Candidate(made.version, made.metrics["test_auc"], made.run_id)

    # ---- Ana

    def decide(self, decision: str, comment: str) -> None:
        """She follows the card's link, signs in, and presses a button on the page."""
        with Visitor(self.place.config, APPROVER) as ana:
            ana.decide(ana.sign_in(self.link), decision, comment)

    # ---- Ben

    def answered(self, comment: str) -> None:
        """He approves in a ticket, and its bridge brings his vote."""
        waiting = self.follow(TARGET, "waiting for approval", lambda p: bool(p["requests"]))
        tickets.answer(self.place.config, waiting, "approve", comment)

    # ---- what follows by itself

    def follow(self, env: str, expected: str, holds: Callable[[Promotion], bool]) -> Promotion:
        """The newest version's promotion there, once it is as expected; at once NotSo if it never can be."""
        version = self.newest.version

        def look() -> Promotion | None:
            self._cloud_runs()
            found = self.world.promotion(env, version)
            if found:
                at = PHASES.index(found["phase"]) if found["phase"] in PHASES else 0
                self.tell.progress(at, len(PHASES) - 1, f"{env}: {found['explain']['headline']}")
            if found and not found["open"] and not holds(found):
                raise NotSo(f"{self.model} v{version} in {env}: {expected}", _said(found), read)
            return found

        read = self.world.log("functions")
        found = wait(
            look,
            lambda p: p is not None and holds(p),
            within=MOVE_SECONDS,
            expected=f"{self.model} v{version} in {env}: {expected}",
            read=read,
            show=_said,
        )
        assert found is not None  # noqa: S101 - `until` saw it; for the type checker
        return found

    def live(self, env: str) -> Promotion:
        return self.follow(env, "live", lambda p: p["verdict"] == "Live")

    def ended(self, env: str, verdict: str) -> Promotion:
        return self.follow(env, verdict, lambda p: p["verdict"] == verdict)

    def asked(self) -> None:
        """Live in the source environment, and a card about it in the Teams channel."""
        self.live(SOURCE)
        self.follow(TARGET, "waiting for approval", lambda p: bool(p["request"]))
        card = wait(
            lambda: self.world.card(self.newest.version, TARGET),
            lambda found: found is not None,
            within=MOVE_SECONDS,
            expected=f"a card that asks about v{self.newest.version}",
            read=self.world.log("functions"),
        )
        self.newest.card = card or {}

    # ---- verified alike in several steps

    def serves(self, env: str, candidate: Candidate) -> tuple[Endpoint, Scored]:
        """That version alone serves there: weights, tag, state, model, and who answers a request."""
        read = self.world.log("azureml")
        endpoint = self.world.endpoint(env)
        check(f"an endpoint in {env}", "none", read, holds=endpoint is not None)
        assert endpoint is not None  # noqa: S101 - checked above; for the type checker
        name = endpoint.tags.get("prod", "")
        check(f"tag prod names a deployment of v{candidate.version}", endpoint.tags, read, holds=bool(name))
        equal(f"traffic of {endpoint.name}", {name: 100}, endpoint.traffic, read)
        equal(f"state of {name}", "Succeeded", endpoint.deployments.get(name), read)
        model = f"/models/{self.model}/versions/{candidate.version}"
        ran = endpoint.models[name]
        check(f"{name} runs v{candidate.version}", ran, read, holds=ran.endswith(model))
        scored = self.world.score(endpoint)
        router = self.world.logs / "router-access.log"
        equal(f"who answers {endpoint.name}", (200, name), (scored.status, scored.deployment), router)
        slot = self.world.slot(env) or {}
        recorded = (slot.get("serving") or {}).get("version")
        equal(
            f"what the product says serves in {env}", candidate.version, recorded, self.world.log("functions")
        )
        return endpoint, scored

    def now_serves(self) -> Serving:
        """The newest version serves in the target, and is what later steps must find there."""
        endpoint, scored = self.serves(TARGET, self.newest)
        self._serving = Serving(self.newest, endpoint, scored.deployment)
        return self._serving

    def unmoved(self) -> None:
        """The target is as it was when last verified: weights, tags, deployments, models; and it answers."""
        seen = self.world.endpoint(TARGET)
        equal(f"{TARGET} as before", self.serving.endpoint, seen, self.world.log("azureml"))
        self.serves(TARGET, self.serving.candidate)


def _said(p: Promotion | None) -> str:
    if p is None:
        return "no such promotion"
    explained = p["explain"]
    return f"{p['phase']}: {explained['headline']}; {'; '.join(explained['because'])}"
