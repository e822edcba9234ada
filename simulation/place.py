"""Everything outside the process: what survives when it dies, and what a run of the simulation is about."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.app import App, Ports, build
from orchestrator.ledger import Ledger
from orchestrator.policy import Policy, load
from shared.azure import AzureCloud
from shared.channel_tokens import public_key
from shared.identity import Principal
from shared.names import legal_name
from shared.ports import ModelVersion, Run, WorkspaceId
from shared.settings import Settings
from simulation import channel
from simulation.seams import Seam, behind
from simulation.twins.blobs import TwinBlobs
from simulation.twins.clock import TwinClock
from simulation.twins.metrics import TwinMetrics
from simulation.twins.online import Region, Seconds
from simulation.twins.registry import opener
from simulation.twins.runs import TwinRuns
from simulation.twins.scoring import TwinScoring
from simulation.twins.store import TwinQueues, TwinStore
from simulation.twins.workspace import TwinWorkspace

HERE = Path(__file__).resolve().parent
TENANT = "11111111-1111-4111-8111-111111111111"
ANA = Principal(tenant=TENANT, oid="33333333-0000-4000-8000-000000000002", name="Ana")
BEN = Principal(tenant=TENANT, oid="33333333-0000-4000-8000-000000000003", name="Ben")
OLGA = Principal(tenant=TENANT, oid="33333333-0000-4000-8000-000000000004", name="Olga")
"""The operator."""
AUTHOR = "33333333-0000-4000-8000-000000000001"
ENVIRONMENTS = ("dev", "qa")
FLOOR = 0.80
"""The gate of both environments: a test AUC of at least this."""
SETTINGS = Settings(
    base_url="https://greenlight.example",
    table_endpoint="https://glapp.table.core.windows.net",
    queue_endpoint="https://glapp.queue.core.windows.net",
    blob_endpoint="https://glapp.blob.core.windows.net",
    link_keys=("a key that signs links",),
    journal_key=b"a key that MACs journals",
    tenant=TENANT,
    config="greenlight.yaml",
    teams_webhook="https://teams.example/workflow",
    cloud=AzureCloud(),
    lease=timedelta(seconds=30),
    deadline=timedelta(seconds=20),
    skew=timedelta(seconds=5),
    pace=1.0,
    auth_enabled=True,
)


TOPIC = "https://greenlight.westeurope-1.eventgrid.azure.net/api/events"


@dataclass(frozen=True)
class Pipeline:
    """What greenlight.yaml says here."""

    required: int = 1
    warm: str = "0s"
    newer: str = "supersede"
    expires: str = "7d"
    steps: tuple[int, ...] = ()
    """A canary's in qa; none: all at once."""
    mirror: int = 0
    bake: str = "0s"
    load: float = 6000.0
    """Requests a minute that every endpoint gets."""
    events: bool = False
    """Are there systems that follow what happens, on a topic of Event Grid?"""

    def rollout(self, env: str) -> dict[str, object]:
        """The first environment changes at once: its steps would say nothing new."""
        if env == ENVIRONMENTS[0]:
            return {"warm": self.warm}
        canary: dict[str, object] = {"strategy": "canary", "steps": self.steps} if self.steps else {}
        copies: dict[str, object] = (
            {"mirror": {"percent": self.mirror, "bake": self.bake}} if self.mirror else {}
        )
        return {"warm": self.warm, "bake": self.bake, **canary, **copies}

    def policy(self) -> Policy:
        return _policy(self)


@cache
def _policy(pipeline: Pipeline) -> Policy:
    approval = {
        "approvers": [{"name": p.name, "id": p.id} for p in (ANA, BEN)],
        "required": pipeline.required,
        "expires": pipeline.expires,
    }
    data = {
        "version": 1,
        "environments": [
            {"name": env, "workspace": str(workspace_id(env)), "endpoint": f"{{model}}-{env}",
             "rollout": pipeline.rollout(env), "newer_version": pipeline.newer,
             "operators": [{"name": OLGA.name, "id": OLGA.id}],
             **({"approval": approval} if env != ENVIRONMENTS[0] else {})}
            for env in ENVIRONMENTS
        ],
        "models": [
            {"match": "*", "probe": {"request": "request.json"},
             "gates": {env: [{"metric": "test_auc", "min": FLOOR}] for env in ENVIRONMENTS}}
        ],
        "channels": [
            {"name": channel.NAME, "public_keys": [public_key(channel.private_key())],
             "voters": [{"name": p.name, "id": p.id} for p in (ANA, BEN)]}
        ],
    }  # fmt: skip
    return load(data, {}, legal_name)


def workspace_id(env: str) -> WorkspaceId:
    return WorkspaceId("00000000-0000-4000-8000-000000000001", f"rg-greenlight-{env}", f"mlw-{env}")


@dataclass
class Place:
    """Tables, queues, workspaces, blobs, runs, and one clock."""

    pipeline: Pipeline = field(default_factory=Pipeline)
    seconds: Seconds = field(default_factory=Seconds)

    def __post_init__(self) -> None:
        self.clock = TwinClock()
        self.store, self.queues = TwinStore(), TwinQueues(self.clock)
        region = Region()
        self.workspaces = {
            env: TwinWorkspace(workspace_id(env), self.clock, region=region, seconds=self.seconds)
            for env in ENVIRONMENTS
        }
        self.blobs, self.runs = TwinBlobs(self.clock), TwinRuns(self.clock)
        self.scoring = TwinScoring(*self.workspaces.values())
        self.metrics = TwinMetrics(*self.workspaces.values(), load=self.pipeline.load)
        self.cards: list[Mapping[str, Any]] = []
        self.events: list[Mapping[str, Any]] = []

    def copy(self) -> Place:
        """The same world once more. Frozen rows and the twins' counters are shared: nobody can tell."""
        tables = self.store.tables.values()
        shared: list[object] = [row for t in tables for rows in t.rows.values() for row in rows.values()]
        shared += [part for t in tables for part in (t.etags, t.lock)]
        shared += [self.blobs.etags, *(w.online.operations for w in self.workspaces.values())]
        return copy.deepcopy(self, {id(one): one for one in shared})

    # ---- the product in it

    def start(self, seam: Seam) -> App:
        """A fresh process over what is there."""
        settings = replace(SETTINGS, events_topic=TOPIC) if self.pipeline.events else SETTINGS
        return build(settings, self.pipeline.policy(), behind(self.ports(), seam), HERE)

    def ports(self) -> Ports:
        return Ports(
            store=self.store,
            queues=self.queues,
            workspaces=opener(*self.workspaces.values()),
            storage=self.blobs,
            evidence=self.blobs.container("glapp", "evidence"),
            anchors=self.blobs.container("glapp", "anchors"),
            undelivered=self.blobs.container("glapp", "eventgrid-deadletter"),
            scoring=self.scoring,
            runs=self.runs,
            metrics=self.metrics,
            clock=self.clock,
            post=self._post,
            publish=self._publish,
        )

    def ledger(self) -> Ledger:
        """A look at the tables that the product does not notice."""
        return Ledger(self.store, SETTINGS.journal_key)

    def model_of(self, endpoint: str) -> str:
        """Endpoints are called {model}-{env} here."""
        return endpoint.rpartition("-")[0]

    def unseen_runs(self) -> bool:
        """Is there a finished run that the product has still to look at?"""
        rows = self.store.table("sources").rows.values()
        return any(key.startswith("todo~") for partition in rows for key in partition)

    def _post(self, url: str, card: Mapping[str, Any], timeout: float = 10.0) -> None:
        self.cards.append(card)

    def _publish(self, topic: str, *events: Mapping[str, Any]) -> None:
        self.events += events

    # ---- what people and platforms do

    def train(self, model: str, version: str, *, auc: float = 0.85, content: str = "") -> ModelVersion:
        """A run logs its metric, and its model is registered in the first environment. No event yet."""
        source = self.workspaces[ENVIRONMENTS[0]]
        run_id, folder = f"run-{model}-{version}", f"models/{model}/{version}"
        store = self.blobs.container("gldev", "azureml-blobstore")
        store.write(f"{folder}/MLmodel", b"flavors: {python_function: {loader_module: sample}}")
        store.write(f"{folder}/model.pkl", (content or f"bytes of {model} {version}").encode())
        now = self.clock.now()
        run = Run(run_id, {"test_auc": auc}, {}, {}, "FINISHED", start=now, end=now)
        self.runs.add(source.tracking_uri(), run)
        uri = f"azureml://datastores/workspaceblobstore/paths/{folder}"
        return source.add_model(model, version, uri=uri, created_by=AUTHOR, tags={"run_id": run_id})

    def registered(self, model: str, version: str) -> dict[str, object]:
        """The event that says so."""
        data = {"ModelName": model, "ModelVersion": version}
        return self._event("ModelRegistered", f"event-{model}-{version}", data)

    def completed(self, model: str, version: str) -> dict[str, object]:
        """The event of the run that made it."""
        return self._event("RunCompleted", f"done-{model}-{version}", {"runId": f"run-{model}-{version}"})

    def _event(self, kind: str, id_: str, data: dict[str, str]) -> dict[str, object]:
        return {
            "id": id_,
            "topic": str(workspace_id(ENVIRONMENTS[0])),
            "subject": kind,
            "eventType": f"Microsoft.MachineLearningServices.{kind}",
            "eventTime": self.clock.now().isoformat(),
            "data": data,
        }
