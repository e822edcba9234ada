"""A town: the whole product over in-memory twins and a clock that only moves when told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestrator import triggers
from orchestrator.app import Ports, build, read_policy
from orchestrator.approval import Decision, VoteOutcome
from orchestrator.model import Promotion, SlotKey, SlotState
from shared.azure import AzureCloud
from shared.channel_tokens import new_key, public_key, sign_vote
from shared.identity import Principal
from shared.notify.eventgrid import Publish
from shared.notify.teams import PostCard, post_card
from shared.ports import ModelVersion, Run, WorkspaceId
from shared.queues import APPROVAL_REQUESTS, WAKES
from shared.registry_id import RegistryId
from shared.settings import Settings
from simulation.twins.blobs import TwinBlobs
from simulation.twins.clock import TwinClock
from simulation.twins.metrics import TwinMetrics
from simulation.twins.online import Region
from simulation.twins.registry import TwinRegistry, opener
from simulation.twins.runs import TwinRuns
from simulation.twins.scoring import TwinScoring
from simulation.twins.store import TwinQueues, TwinStore
from simulation.twins.workspace import TwinWorkspace

TENANT = "11111111-1111-4111-8111-111111111111"
ANA = Principal(tenant=TENANT, oid="33333333-0000-4000-8000-000000000002", name="Ana")
BEN = Principal(tenant=TENANT, oid="33333333-0000-4000-8000-000000000003", name="Ben")
OSCAR = Principal(tenant=TENANT, oid="33333333-0000-4000-8000-000000000005", name="Oscar")
AUTHOR = "33333333-0000-4000-8000-000000000001"
BRIDGE = new_key()
"""The private key of the channel that may speak for Ana and Ben."""
DEV, QA = SlotKey("titanic", "dev"), SlotKey("titanic", "qa")

TOPIC = "https://greenlight.westeurope-1.eventgrid.azure.net/api/events"
PIPELINE = """
version: 1
environments:
  - {name: dev, workspace: "${DEV}", endpoint: "{model}-dev"}
  - name: qa
    workspace: "${QA}"
    endpoint: "{model}-qa"
    approval:
      approvers: [{name: Ana, id: "${ANA}"}, {name: Ben, id: "${BEN}"}]
      required: 1
      expires: 7d
channels:
  - name: bridge
    public_keys: ["${BRIDGE_KEY}"]
    voters: [{name: Ana, id: "${ANA}"}, {name: Ben, id: "${BEN}"}]
models:
  - match: "titanic*"
    probe: {request: request.json}
    gates: {dev: [{metric: test_auc, min: 0.80}], qa: [{metric: test_auc, min: 0.80}]}
"""


def workspace_id(env: str) -> WorkspaceId:
    """Each environment is in a subscription of its own."""
    subscription = f"00000000-0000-4000-8000-00000000000{1 + ('dev', 'qa').index(env)}"
    return WorkspaceId(subscription, f"rg-greenlight-{env}", f"mlw-{env}")


def settings() -> Settings:
    return Settings(
        base_url="https://greenlight.example",
        table_endpoint="https://glapp.table.core.windows.net",
        queue_endpoint="https://glapp.queue.core.windows.net",
        blob_endpoint="https://glapp.blob.core.windows.net",
        link_keys=("a key that signs links",),
        journal_key=b"a key that MACs journals",
        tenant=TENANT,
        config="greenlight.yaml",
        teams_webhook="",
        cloud=AzureCloud(),
        lease=timedelta(seconds=30),
        deadline=timedelta(seconds=20),
        skew=timedelta(seconds=5),
        pace=1.0,
        auth_enabled=True,
    )


class Town:
    """Everything a story needs: registering models, letting time pass, voting, looking."""

    def __init__(
        self,
        root: Path,
        pipeline: str = PIPELINE,
        teams: PostCard | None = None,
        world: Town | None = None,
        publish: Publish | None = None,
    ) -> None:
        """`world`: its workspaces, files, runs and clock; tables and queues are new."""
        (root / "request.json").write_text('{"input_data": {"columns": ["a"], "data": [[1]]}}')
        self.clock = world.clock if world else TwinClock()
        self.store, self.queues = TwinStore(), TwinQueues(self.clock)
        region = Region()
        self.dev = world.dev if world else TwinWorkspace(workspace_id("dev"), self.clock, region=region)
        self.qa = world.qa if world else TwinWorkspace(workspace_id("qa"), self.clock, region=region)
        self.blobs = world.blobs if world else TwinBlobs(self.clock)
        self.runs = world.runs if world else TwinRuns(self.clock)
        self.scoring = TwinScoring(self.dev, self.qa)
        self.metrics = TwinMetrics(self.dev, self.qa)
        registry = TwinRegistry(RegistryId("mlr-models"), self.clock, self.blobs)
        self.registry = world.registry if world else registry
        self.variables = {
            "DEV": str(self.dev.id),
            "QA": str(self.qa.id),
            "ANA": f"{TENANT}/{ANA.oid}",
            "BEN": f"{TENANT}/{BEN.oid}",
            "BRIDGE_KEY": public_key(BRIDGE),
        }
        self.ports = ports = Ports(
            store=self.store,
            queues=self.queues,
            workspaces=opener(self.dev, self.qa, registry=self.registry),
            storage=self.blobs,
            evidence=self.blobs.container("glapp", "evidence"),
            anchors=self.blobs.container("glapp", "anchors"),
            undelivered=self.blobs.container("glapp", "eventgrid-deadletter"),
            scoring=self.scoring,
            runs=self.runs,
            metrics=self.metrics,
            clock=self.clock,
            post=teams or post_card,
            publish=publish,
        )
        webhook = "https://teams.example/workflow" if teams else ""
        chosen = replace(settings(), teams_webhook=webhook, events_topic=TOPIC if publish else "")
        self.app = build(chosen, read_policy(pipeline, self.variables), ports, root)

    # ---- what people and platforms do

    def register(
        self, version: str, *, auc: float = 0.85, content: str = "", model: str = "titanic"
    ) -> ModelVersion:
        """A run logs its metric, and its model is registered in dev. No event yet."""
        run_id = f"run-{model}-{version}"
        folder = f"models/{model}/{version}"
        store = self.blobs.container("gldev", "azureml-blobstore")
        store.write(f"{folder}/MLmodel", b"flavors: {python_function: {loader_module: sample}}")
        store.write(f"{folder}/model.pkl", (content or f"bytes of {model} {version}").encode())
        self.runs.add(
            self.dev.tracking_uri(),
            Run(
                id=run_id, metrics={"test_auc": auc}, params={}, tags={}, status="FINISHED",
                start=self.clock.now(), end=self.clock.now(),
            ),
        )  # fmt: skip
        uri = f"azureml://datastores/workspaceblobstore/paths/{folder}"
        return self.dev.add_model(model, version, uri=uri, created_by=AUTHOR, tags={"run_id": run_id})

    def event(self, version: str, *, model: str = "titanic", id_: str = "") -> dict[str, object]:
        return {
            "id": id_ or f"event-{model}-{version}",
            "topic": str(self.dev.id),
            "subject": f"models/{model}:{version}",
            "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
            "eventTime": self.clock.now().isoformat(),
            "data": {"ModelName": model, "ModelVersion": version},
        }

    def announce(self, version: str, **more: str) -> None:
        triggers.model_event(self.app, self.event(version, **more))

    def vote(self, who: Principal, decision: Decision, key: SlotKey = QA, comment: str = "so") -> VoteOutcome:
        """On the latest request of the newest open promotion."""
        state = self.state(key)
        n = max(state.promotions)
        request = state.requests[n]
        return self.app.intake.vote(
            key,
            n,
            request.k,
            principal=who,
            decision=decision,
            comment=comment,
            hash=request.hash,
            channel="page",
        )

    def message(self, who: Principal = ANA, decision: Decision = Decision.APPROVE, **changes: Any) -> str:
        """What the channel `bridge` puts on the queue about the newest open request in qa."""
        n = max(self.state(QA).requests)
        request = self.state(QA).requests[n]
        said: dict[str, Any] = {
            "private_pem": BRIDGE, "channel": "bridge", "voter": who.id, "number": request.k,
            "promotion": f"titanic.qa.{self.promotion(n).registration.version}.{n}",
            "hash": request.hash, "decision": decision.value, "now": self.clock.now(),
        }  # fmt: skip
        return sign_vote(**said | changes)

    # ---- time

    def settle(self, most: float = 3600.0) -> None:
        """Handle wakes, and let time pass to the next one, until none is queued within `most` seconds."""
        until = self.clock.now() + timedelta(seconds=most)
        for _ in range(2000):
            for text in self.queues.take(WAKES):
                triggers.wake(self.app, text)
            following = self.queues.next_visible(WAKES)
            if following is None or following > until:
                return
            self.clock.advance(max(0.0, (following - self.clock.now()).total_seconds()))
        raise AssertionError("no rest after 2000 rounds of wakes")

    def sweep(self, seconds: float = 60.0) -> None:
        self.clock.advance(seconds)
        triggers.sweep(self.app)
        self.settle()

    # ---- looking

    def state(self, key: SlotKey = QA) -> SlotState:
        loaded = self.app.ledger.load(key)
        assert loaded is not None, f"no slot {key}"
        return loaded.state

    def promotion(self, n: int, key: SlotKey = QA) -> Promotion:
        found = self.app.ledger.promotion(key, n)
        assert found is not None, f"no promotion {n} in {key}"
        return found

    def requests(self) -> list[dict[str, Any]]:
        """Announced on the queue, repeats included."""
        return [m for m in self.queues.parsed(APPROVAL_REQUESTS) if m["kind"] == "approval.requested"]

    def notices(self) -> list[dict[str, Any]]:
        """What became of it, as the queue was told."""
        return [m for m in self.queues.parsed(APPROVAL_REQUESTS) if m["kind"] == "approval.noticed"]

    def traffic(self, key: SlotKey = QA) -> dict[str, int]:
        endpoint = {"dev": self.dev, "qa": self.qa}[key.env].endpoint(f"titanic-{key.env}")
        return dict(endpoint.traffic) if endpoint else {}
