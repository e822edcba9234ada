"""The scene of one comparison: the twins of a town, what was done to them, and what can be read off them.

Either tool plays on a scene of its own; the same fault is done to both at the same moment of the story.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from shared.model_uri import ModelUri
from shared.ports import Answer, ModelVersion
from simulation.twins.online import Seconds
from simulation.twins.scoring import Model, predicts
from simulation.twins.workspace import TwinWorkspace
from tests.engine.town import PIPELINE, Town

MODEL = "titanic"
VERSIONS = tuple(str(n) for n in range(1, 10))
REALISTIC = Seconds(endpoint=60.0, deployment=420.0, traffic=20.0, deletion=120.0)
WARM_PIPELINE = PIPELINE.replace("    approval:", "    rollout: {warm: 24h}\n    approval:")

Files = frozenset[tuple[str, bytes]]


class Killed(BaseException):
    """The machine is gone: neither tool can catch this."""


class Moment(StrEnum):
    """Points of the story, the same for both tools."""

    START = "before the model is trained"
    TRAINED = "the model is registered, and not yet looked at"
    LISTED = "the run knows its version, and has not yet deployed it in dev"
    ASKED = "dev is done, and people have been asked"
    APPROVED = "people have approved, and qa knows the model"
    COPIED = "the files are on their way from dev to qa"
    CREATED = "the candidate exists in qa"
    TAGGED = "the script has moved the tag, and not yet the traffic"
    LATER = "hours after the switch"


Hit = Callable[["Scene"], object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row. `hits` are done to the scene when their moment comes."""

    name: str
    lessons: str
    hits: Mapping[Moment, Hit] = field(default_factory=dict[Moment, Hit])
    first: bool = False
    """Nothing serves before; else version 1 does, in dev and qa."""
    version: str = "2"
    quality: float = 0.86
    dies: Moment | None = None
    """The agent, or the worker, is lost at this moment in qa."""
    rerun: bool = False
    """Somebody starts the lost job again."""
    later: tuple[str, ...] = ()
    """Versions that come afterwards, undisturbed."""
    together: tuple[str, ...] = ()
    """Versions whose runs overlap with that of version 2."""
    apart: float = 180.0
    """Seconds between the starts of runs that overlap."""
    warm: bool = False
    """The policy keeps the old deployment for a day."""


@dataclass
class Scene:
    """A town with instruments."""

    town: Town
    fault: Fault
    spoil: Callable[[], object] = str
    """Spoils the files between dev and qa; set by the tool, which knows where they are then."""
    approved: set[str] = field(default_factory=set[str])
    by_hand: set[str] = field(default_factory=set[str])
    """Deployments to which a person gave the traffic."""
    set_aside: set[str] = field(default_factory=set[str])
    """Deployments from which a person took it."""
    before: dict[str, str] = field(default_factory=dict[str, str])
    """Environment -> the version that served when the fault came; empty: none did."""
    veterans: set[str] = field(default_factory=set[str])
    """The deployments that served then."""
    known: dict[Files, str] = field(default_factory=dict[Files, str])
    quality: dict[str, float] = field(default_factory=dict[str, float])
    announced: list[str] = field(default_factory=list[str])
    """Registrations in dev that the platform has not yet told of."""
    answered: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    """Deployment -> whether its answers were good, in order."""
    sick: dict[tuple[str, str], Model] = field(default_factory=dict[tuple[str, str], Model])
    """(version, environment) -> how it answers there."""
    armed: bool = False
    """The fault's kill is still to come."""
    _left: dict[Moment, Hit] = field(default_factory=dict[Moment, Hit])

    @staticmethod
    def set(root: Path, fault: Fault) -> Scene:
        town = Town(root, WARM_PIPELINE if fault.warm else PIPELINE)
        for workspace in (town.dev, town.qa):
            workspace.online.seconds = REALISTIC
        scene = Scene(town, fault)
        for version in VERSIONS:
            town.scoring.models[MODEL, version] = scene._model(version)
        return scene

    # ---- the story

    def arm(self) -> None:
        """From now on the fault's moments count."""
        self._left, self.armed = dict(self.fault.hits), True
        self.before = {env: self.serving(env) for env in ("dev", "qa")}
        self.veterans = {self.served_by(env) for env in ("dev", "qa")}

    def reach(self, moment: Moment) -> None:
        hit = self._left.pop(moment, None)
        if hit is not None:
            hit(self)

    def register(self, version: str, quality: float) -> None:
        """A training run, or anybody, registers a version in dev."""
        model = self.town.register(version, auc=quality)
        self.quality[version] = quality
        self.known[self.files(self.town.dev, model)] = version
        self.announced.append(version)

    def register_in_qa(self, version: str) -> None:
        """Somebody registers a model in qa, past every pipeline."""
        folder = f"experiments/{version}"
        self.town.blobs.container("glqa", "azureml-blobstore").write(f"{folder}/model.pkl", version.encode())
        uri = f"azureml://datastores/workspaceblobstore/paths/{folder}"
        self.town.clock.advance(1)
        model = self.town.qa.add_model(MODEL, version, uri=uri)
        self.known[self.files(self.town.qa, model)] = version

    def fix_by_hand(self, version: str) -> None:
        """Somebody deploys a version in qa and gives it all traffic."""
        self.register_in_qa(version)
        qa, clock = self.town.qa, self.town.clock
        endpoint = qa.online.get("titanic-qa")
        self.by_hand.add("hotfix")
        self.set_aside |= set(endpoint.deployments)
        qa.create_deployment(
            endpoint.name, "hotfix", model=(MODEL, version), instance_type="Standard_DS3_v2",
            instance_count=1, tags={},
        )  # fmt: skip
        clock.advance(REALISTIC.deployment + 1)
        qa.write_traffic(endpoint.name, {"hotfix": 100}, dict(qa.online.get(endpoint.name).tags))
        clock.advance(REALISTIC.traffic + 1)

    def go_back_by_hand(self, version: str) -> None:
        """Somebody gives all traffic in qa to a deployment of an older version, if there still is one."""
        endpoint = self.town.qa.online.get("titanic-qa")
        back = next((name for name in endpoint.deployments if self.version_of("qa", name) == version), None)
        if back is not None:
            self.by_hand.add(back)
            self.set_aside |= set(endpoint.deployments) - {back}
            self.town.qa.write_traffic(endpoint.name, {back: 100}, dict(endpoint.tags))

    # ---- looking: at the twins themselves, past the ports and their faults

    def files(self, workspace: TwinWorkspace, model: ModelVersion) -> Files:
        place = ModelUri.parse(model.uri, workspace.id)
        store = workspace.datastores[place.datastore]
        return frozenset(
            (name.removeprefix(f"{place.path}/"), blob.data)
            for (account, container, name), blob in self.town.blobs.stored.items()
            if (account, container) == (store.account, store.container) and name.startswith(f"{place.path}/")
        )

    def workspace(self, env: str) -> TwinWorkspace:
        return {"dev": self.town.dev, "qa": self.town.qa}[env]

    def version_of(self, env: str, deployment: str) -> str:
        """Which version's bytes a deployment has; not what its name or its number says."""
        workspace = self.workspace(env)
        model = workspace.models.get(workspace.online.get(f"titanic-{env}").deployments[deployment].model)
        return self.known.get(self.files(workspace, model), "altered files") if model else "no model"

    def served_by(self, env: str) -> str:
        """The deployment that gets the traffic; empty: none does."""
        endpoint = self.workspace(env).online.find(f"titanic-{env}")
        return next((name for name, weight in endpoint.traffic.items() if weight), "") if endpoint else ""

    def serving(self, env: str) -> str:
        """The version that gets the traffic; empty: none does."""
        deployment = self.served_by(env)
        return self.version_of(env, deployment) if deployment else ""

    def _model(self, version: str) -> Model:
        def ask(body: bytes) -> Answer:
            endpoint, deployment = self.town.scoring.served[-1]
            model = self.sick.get((version, endpoint.rpartition("-")[2]), predicts([0, 1]))
            answer = model(body)
            self.answered[deployment].append(good(answer))
            return answer

        return ask


def good(answer: Answer) -> bool:
    """Is there a prediction in it?"""
    return answer.status == 200 and bool(json.loads(answer.body))
