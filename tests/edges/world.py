"""A product without an engine: the real ledger, intake and pages over in-memory tables and queues."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from orchestrator.app import policy_of
from orchestrator.approval import Approver, Request, Rule, Subject
from orchestrator.asking import hash_of
from orchestrator.channel_troubles import ChannelTroubles
from orchestrator.condition import Condition
from orchestrator.control import ControlRow
from orchestrator.deadletters import DeadLetters
from orchestrator.index import PARTITION, OpenIndex
from orchestrator.intake import Intake
from orchestrator.ledger import Ledger, fresh
from orchestrator.model import (
    Entry,
    GateResult,
    Phase,
    Promotion,
    Reason,
    Registration,
    Serving,
    Slot,
    SlotKey,
    Verdict,
)
from orchestrator.operating import Operating
from orchestrator.planning import Planning
from orchestrator.policy import load
from orchestrator.sources import Sources
from orchestrator.views import id_of
from orchestrator.wakes import Wakes
from orchestrator.web.app import WebApp
from orchestrator.web.http import WebResponse
from orchestrator.web.visit import Services, Site
from orchestrator.world import Change
from shared.identity import Principal
from shared.links import Links, RequestRef
from shared.names import legal_name
from simulation.twins.clock import TwinClock
from simulation.twins.store import TwinQueues, TwinStore
from tests.engine.town import settings

BASE = "https://greenlight.example"
TENANT = "11111111-1111-4111-8111-111111111111"
GROUP = "22222222-0000-4000-8000-000000000001"
AUTHOR, ANA, BEN, OUTSIDER = (f"33333333-0000-4000-8000-00000000000{n}" for n in (1, 2, 3, 5))
GROUPS = {ANA: (GROUP,), BEN: (GROUP,), AUTHOR: (GROUP,)}
NAMES = {AUTHOR: "Ada Author", ANA: "Ana Approver", BEN: "Ben Approver", OUTSIDER: "Oscar Outsider"}
KEYS = ["a-link-key-of-enough-characters"]
HTML = {"accept": "text/html,application/xhtml+xml"}
WORKSPACE = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-{}"
)
POLICY: dict[str, Any] = {
    "version": 1,
    "environments": [
        {"name": "dev", "workspace": WORKSPACE.format("dev")},
        {
            "name": "qa",
            "workspace": WORKSPACE.format("qa"),
            "operators": [{"name": "Ben", "id": f"{TENANT}/{BEN}"}],
        },
    ],
    "models": [{"match": "*", "probe": {"request": "sample.json"}}],
}


def signed_in(oid: str, **more: Any) -> dict[str, str]:
    """Headers as App Service Authentication sets them."""
    claims = [("oid", oid), ("tid", TENANT), ("name", NAMES.get(oid, "Someone"))]
    claims += [("groups", g) for g in GROUPS.get(oid, ())]
    data = {"auth_typ": "aad", "claims": [{"typ": t, "val": v} for t, v in claims], **more}
    return {"x-ms-client-principal": base64.b64encode(json.dumps(data).encode()).decode()}


class World:
    """Rows are put in by hand; votes go through the real intake."""

    def __init__(self, *, auth_enabled: bool = True, environments: tuple[str, ...] = ("dev", "qa")) -> None:
        self.clock = TwinClock()
        self.store = TwinStore()
        self.ledger = Ledger(self.store, b"journal key")
        self.dead = DeadLetters(self.store)
        self.links = Links(KEYS, clock=self.clock)
        self.intake = Intake(
            policy=load(POLICY, {}, legal_name),
            ledger=self.ledger,
            index=OpenIndex(self.store),
            sources=Sources(self.store),
            dead=self.dead,
            wakes=Wakes(TwinQueues(self.clock)),
            clock=self.clock,
        )
        self.operating = Operating(
            policy=load(POLICY, {}, legal_name),
            ledger=self.ledger,
            intake=self.intake,
            control=ControlRow(self.store, PARTITION),
            dead=self.dead,
            wakes=Wakes(TwinQueues(self.clock)),
            clock=self.clock,
        )
        self.app = WebApp(
            site=Site(base_url=BASE, auth_enabled=auth_enabled, environments=environments, tenant=TENANT),
            services=Services(
                ledger=self.ledger,
                deadletters=self.dead,
                voting=self.intake,
                operating=self.operating,
                planning=Planning(policy=load(POLICY, {}, legal_name), ledger=self.ledger, read=policy_of),
                links=self.links,
                condition=Condition(
                    settings=settings(),
                    policy=load(POLICY, {}, legal_name),
                    sources=Sources(self.store),
                    troubles=ChannelTroubles(self.store, self.clock, pace=1.0),
                    queues=TwinQueues(self.clock),
                    clock=self.clock,
                ),
            ),
            clock=self.clock,
        )

    # ---- rows

    def promotion(
        self, model: str = "titanic", env: str = "qa", version: str = "2", **more: Any
    ) -> Promotion:
        """A promotion in a slot (made when it is not there), waiting in Received unless told otherwise."""
        key = SlotKey(model, env)
        loaded = self.ledger.load(key) or fresh(key)
        slot, now = loaded.state.slot, self.clock.now()
        known = {k: more.pop(k) for k in ("author", "run_id", "description", "tags") if k in more}
        registration = Registration(
            model=model,
            version=version,
            created_at=now,
            uri="azureml://x",
            workspace=WORKSPACE.format("dev"),
            **{
                "author": AUTHOR,
                "run_id": "brave_sun_x1",
                "tags": {"commit": "0a1b2c3d", "data_version": "3"},
            }
            | known,
        )
        p = Promotion(
            n=slot.next_n, model=model, env=env, registration=registration, opened_at=now,
            origin="event 1", updated_at=now, digest="d" * 64, size=48_211, frozen="azureml://frozen",
        )  # fmt: skip
        p = replace(p, **more)
        opened = (*slot.open, p.n) if p.open else slot.open
        entry = Entry(what="promotion.opened", why="registered", by="greenlight", at=now, n=p.n)
        changed = replace(slot, open=opened, next_n=p.n + 1)
        self.ledger.commit(loaded, Change(slot=changed, promotions=(p,), entries=(entry,)), now=now)
        return p

    def ask(
        self, p: Promotion, *, required: int = 1, expires: timedelta = timedelta(days=7), **more: Any
    ) -> Request:
        """An approval request, as the engine would make it."""
        key = SlotKey(p.model, p.env)
        loaded = self.ledger.load(key)
        assert loaded is not None
        serving, now = loaded.state.slot.serving, self.clock.now()
        rule = Rule(approvers=(Approver(name="ML leads", group=GROUP),), required=required)
        target = f"{WORKSPACE.format(p.env)} titanic-{p.env}"
        incumbent = f"{serving.digest} {serving.deployment}" if serving else ""
        gates = [{"gate": g.gate, "verdict": g.verdict, "sentence": g.sentence} for g in p.gates]
        snapshot: dict[str, Any] = {
            "model": p.model, "version": p.registration.version, "env": p.env,
            "subject": {"digest": p.digest, "target": target, "incumbent": incumbent},
            "gates": gates, "metrics": dict(p.metrics),
            "serving": dict(serving.metrics) if serving else None,
            "serving_version": serving.version if serving else "",
            "plan": {"strategy": "blue_green", "warm": "P1D"},
            "deployment": {"instance_type": "Standard_DS3_v2", "instance_count": 1},
        }  # fmt: skip
        request = Request(
            n=p.n, k=p.asks + 1, hash=hash_of(snapshot), snapshot=snapshot, rule=rule, asked_at=now,
            expires_at=now + expires, subject=Subject(digest=p.digest, target=target, incumbent=incumbent),
        )  # fmt: skip
        request = replace(request, **more)
        p = replace(p, phase=Phase.AWAITING_APPROVAL, asks=request.k)
        entry = Entry(what="approval.asked", why="people are asked", by="greenlight", at=now, n=p.n)
        change = Change(slot=loaded.state.slot, promotions=(p,), requests=(request,), entries=(entry,))
        self.ledger.commit(loaded, change, now=now)
        return request

    def asked(self, **more: Any) -> tuple[Promotion, Request]:
        """The usual case: v1 serves, v2 is better and waits for one approval."""
        self.serve("1", metrics={"test_auc": 0.8431})
        gate = GateResult(
            gate="test_auc", verdict="pass", sentence="test_auc is 0.8612, at least 0.8431 of what serves now"
        )
        p = self.promotion(
            metrics={"test_auc": 0.8612, "rows": 179.0}, gates=(gate,), gated=True, preflighted=True
        )
        request = self.ask(p, **more)
        return self.read(p), request

    def serve(self, version: str, *, model: str = "titanic", env: str = "qa", **more: Any) -> None:
        p = self.promotion(model, env, version)
        self.end(p, Verdict.LIVE, Reason.LIVE, "seen at 100 %")
        serving = Serving(
            version=version, target_version=version, digest="c" * 64, deployment=f"v{version}-1764012345",
            since=self.clock.now(), n=p.n, **more,
        )  # fmt: skip
        self.slot(SlotKey(model, env), serving=serving)

    def end(
        self, p: Promotion, verdict: Verdict, reason: Reason, sentence: str, actor: str = "greenlight"
    ) -> None:
        loaded = self.ledger.load(SlotKey(p.model, p.env))
        assert loaded is not None
        now = self.clock.now()
        ended = replace(
            self.read(p),
            phase=Phase.ENDED,
            verdict=verdict,
            reason=reason,
            sentence=sentence,
            actor=actor,
            ended_at=now,
        )
        slot = replace(loaded.state.slot, open=tuple(n for n in loaded.state.slot.open if n != p.n))
        entry = Entry(what="promotion.ended", why=f"{verdict}: {sentence}", by=actor, at=now, n=p.n)
        self.ledger.commit(loaded, Change(slot=slot, promotions=(ended,), entries=(entry,)), now=now)

    def change(self, p: Promotion, **more: Any) -> Promotion:
        loaded = self.ledger.load(SlotKey(p.model, p.env))
        assert loaded is not None
        p = replace(self.read(p), **more)
        self.ledger.commit(loaded, Change(slot=loaded.state.slot, promotions=(p,)), now=self.clock.now())
        return p

    def slot(self, key: SlotKey, **more: Any) -> Slot:
        loaded = self.ledger.load(key)
        assert loaded is not None
        claim = more.pop("claim", loaded.state.slot.claim)
        slot = replace(loaded.state.slot, **more)
        self.ledger.commit(loaded, Change(slot=slot), now=self.clock.now(), claim=claim)
        return slot

    def read(self, p: Promotion) -> Promotion:
        found = self.ledger.promotion(SlotKey(p.model, p.env), p.n)
        assert found is not None
        return found

    # ---- requests

    def get(self, path: str, oid: str = ANA, *, method: str = "GET", **headers: str) -> WebResponse:
        return self.app.handle(method, f"{BASE}{path}", {**HTML, **signed_in(oid), **headers})

    def api(self, path: str, oid: str = ANA) -> tuple[int, dict[str, Any]]:
        answer = self.app.handle("GET", f"{BASE}{path}", signed_in(oid))
        return answer.status, json.loads(answer.body)

    def vote_api(
        self, p: Promotion, body: object, oid: str = ANA, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **signed_in(oid), **headers}
        answer = self.app.handle("POST", f"{BASE}/api/promotions/{id_of(p)}/vote", sent, raw)
        return answer.status, json.loads(answer.body)

    def token(self, p: Promotion, k: int = 1) -> str:
        return self.links.review_token(RequestRef(id_of(p), k))

    def fields(self, p: Promotion, request: Request, oid: str = ANA, **more: str) -> dict[str, str]:
        """What the form of the review page sends, given to `oid`."""
        person = Principal(tenant=TENANT, oid=oid).id
        form = self.links.form_token(person, f"vote:{id_of(p)}:{request.k}")
        return {"form": form, "hash": request.hash, "comment": "", "decision": "approve"} | more

    def post(self, path: str, fields: dict[str, str] | bytes, oid: str = ANA, **headers: str) -> WebResponse:
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        sent = {**HTML, "content-type": "application/x-www-form-urlencoded", **signed_in(oid), **headers}
        return self.app.handle("POST", f"{BASE}{path}", sent, body)

    @property
    def now(self) -> datetime:
        return self.clock.now()
