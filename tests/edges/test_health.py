"""What `/healthz` says to everybody, what it says to operators, and when it says `degraded`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app import build, not_running, read_policy, web_of
from orchestrator.condition import SILENT
from orchestrator.sources import Watermark
from orchestrator.version import VERSION
from shared.errors import Forbidden, Invalid, Unavailable
from shared.links import Links, RequestRef
from shared.settings import Settings, read
from tests.core.test_settings import REFERENCE, SETTINGS
from tests.edges.world import signed_in
from tests.engine.test_operators import OPERATED
from tests.engine.town import ANA, BEN, OSCAR, Town, settings

BASE = "https://greenlight.example"


def asked(town: Town, path: str = "/healthz", **headers: str) -> tuple[int, dict[str, Any]]:
    answer = web_of(town.app).handle("GET", f"{BASE}{path}", headers)
    return answer.status, json.loads(answer.body)


def findings(town: Town) -> list[dict[str, str]]:
    """As an operator sees them."""
    return asked(town, **signed_in(BEN.oid))[1]["findings"]


def set_up(town: Town, root: Path, variables: dict[str, str] | None = None, **changes: Any) -> None:
    """The app again, with other settings."""
    policy = read_policy(OPERATED, town.variables | (variables or {}))
    chosen: Settings = replace(settings(), **changes)
    town.app = build(chosen, policy, town.ports, root)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_everybody_is_told_whether_it_is_well_and_which_release_it_is(town: Town) -> None:
    assert asked(town) == (200, {"status": "ok", "version": VERSION})


def test_operators_are_told_that_nothing_was_found(town: Town) -> None:
    assert asked(town, **signed_in(BEN.oid)) == (200, {"status": "ok", "version": VERSION, "findings": []})


def test_the_same_is_behind_sign_in_for_those_whom_an_open_path_does_not_know(town: Town) -> None:
    assert asked(town, "/api/health")[0] == 401
    assert asked(town, "/api/health", **signed_in(BEN.oid))[1]["findings"] == []


@pytest.mark.parametrize("who", ["", OSCAR.oid])
def test_what_is_wrong_is_for_operators_only(town: Town, tmp_path: Path, who: str) -> None:
    set_up(town, tmp_path, {"QA": "/subscription/x"})

    assert asked(town, **(signed_in(who) if who else {})) == (200, {"status": "degraded", "version": VERSION})


def test_headers_that_anybody_can_write_while_sign_in_is_off_open_nothing(town: Town, tmp_path: Path) -> None:
    set_up(town, tmp_path, auth_enabled=False)

    assert asked(town, **signed_in(BEN.oid)) == (200, {"status": "degraded", "version": VERSION})


def test_sign_in_that_is_off_though_the_policy_needs_it(town: Town, tmp_path: Path) -> None:
    """Operators cannot be told by page then: it is in the log of the start."""
    set_up(town, tmp_path, auth_enabled=False)

    (flaw,) = town.app.condition.flaws()
    assert flaw.where == "App Service Authentication"
    assert "operators of qa" in flaw.wrong
    assert "signin.sh" in flaw.fix


@pytest.mark.parametrize(
    ("variables", "where", "wrong"),
    [
        ({"GREENLIGHT_TEAMS_WEBHOOK": "teams.example"}, "GREENLIGHT_TEAMS_WEBHOOK", "no address"),
        ({"GREENLIGHT_TEAMS_WEBHOOK": REFERENCE}, "GREENLIGHT_TEAMS_WEBHOOK", "not resolved"),
        ({"GREENLIGHT_LINK_KEYS": "a long enough key,short"}, "GREENLIGHT_LINK_KEYS, key 2 of 2", "16"),
    ],
)
def test_a_wrong_setting_is_found(
    town: Town, tmp_path: Path, variables: dict[str, str], where: str, wrong: str
) -> None:
    set_up(town, tmp_path, flaws=read(SETTINGS | variables).flaws)

    (found,) = findings(town)
    assert found["where"] == where
    assert wrong in found["wrong"]
    assert found["refused"]
    assert found["fix"].endswith((".", "?"))


@pytest.mark.parametrize(
    ("keys", "wrong", "status", "words"),
    [
        ((), "no key can be used", 503, b"GREENLIGHT_LINK_KEYS"),
        (("a key that signs links;until=2020-01-31",), "every key has expired", 410, b"expired"),
    ],
)
def test_without_a_key_in_force_links_are_refused_and_nothing_else(
    town: Town, tmp_path: Path, keys: tuple[str, ...], wrong: str, status: int, words: bytes
) -> None:
    set_up(town, tmp_path, link_keys=keys)
    town.register("1")
    town.announce("1")
    town.settle()

    (found,) = findings(town)
    assert (found["where"], found["wrong"]) == ("GREENLIGHT_LINK_KEYS", wrong)
    link = Links(["a key that signs links"], clock=town.clock).review_token(RequestRef("titanic.qa.1.1", 1))
    answer = web_of(town.app).handle("GET", f"{BASE}/review/{link}", signed_in(ANA.oid))
    assert answer.status == status
    assert words in answer.body
    assert asked(town, "/api/promotions/titanic.qa.1.1", **signed_in(ANA.oid))[0] == 200


def test_a_key_is_announced_before_its_last_day(town: Town, tmp_path: Path) -> None:
    last = town.clock.now() + timedelta(days=3)
    set_up(town, tmp_path, link_keys=(f"a key that signs links;until={last:%Y-%m-%d}",))

    (found,) = findings(town)
    assert "expires at" in found["wrong"]

    set_up(town, tmp_path, link_keys=("a new key that signs links", *town.app.settings.link_keys))
    assert findings(town) == []


def test_a_workspace_whose_id_is_none_is_found(town: Town, tmp_path: Path) -> None:
    set_up(town, tmp_path, {"QA": town.variables["QA"].replace("resourceGroups", "resourceGroup")})

    (found,) = findings(town)
    assert found["where"] == "greenlight.yaml, workspace of qa"
    assert "segment 3 is 'resourceGroup'" in found["wrong"]
    assert "nothing is promoted in qa" in found["refused"]


def test_tables_and_queues_that_do_not_answer(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise Forbidden("403 AuthorizationPermissionMismatch")

    monkeypatch.setattr(town.store.table("sources"), "get", no)
    monkeypatch.setattr(town.queues, "check", no)

    found = town.app.condition.flaws()

    assert [flaw.where for flaw in found] == ["the tables", "the queues"]
    assert all("data roles" in flaw.fix for flaw in found)


def test_a_sweep_that_is_silent_is_found(town: Town) -> None:
    town.sweep()
    assert findings(town) == []

    town.clock.advance((timedelta(minutes=31) + SILENT).total_seconds())

    (found,) = findings(town)
    assert found["where"] == "the sweep"
    assert "on_sweep" in found["fix"]


def test_a_listing_that_failed_is_found_with_its_reason(town: Town) -> None:
    now = town.clock.now()
    mark = Watermark(env="dev", floor=now, since=now, due=now, trouble="403 AuthorizationFailed")
    town.app.healing._sources.advance(mark)

    (found,) = findings(town)
    assert (found["where"], found["wrong"]) == ("the workspace of dev", "403 AuthorizationFailed")


def test_whoever_asks_often_makes_no_work(town: Town) -> None:
    asked(town)
    before = town.store.calls
    for _ in range(100):
        asked(town)
    assert town.store.calls == before

    town.clock.advance(60)
    asked(town)
    assert town.store.calls == before + 2


def test_it_is_well_again_when_the_tables_answer_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise Unavailable("503")

    with monkeypatch.context() as broken:
        broken.setattr(town.queues, "check", no)
        assert asked(town)[1]["status"] == "degraded"
    town.clock.advance(60)

    assert asked(town)[1]["status"] == "ok"


# ---- nothing runs

WRONG = Invalid(
    "settings are missing or wrong:\n  GREENLIGHT_JOURNAL_KEY is not set. Key that MACs the journal."
)


@pytest.fixture
def _on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    monkeypatch.setenv("GREENLIGHT_TENANT", SETTINGS["GREENLIGHT_TENANT"])


@pytest.mark.usefixtures("_on")
def test_without_settings_everybody_is_told_that_and_no_more() -> None:
    health, page = (not_running(WRONG, f"{BASE}{path}", {}) for path in ("/healthz?x=1", "/api/slots"))

    assert (health.status, json.loads(health.body)) == (503, {"status": "degraded", "version": VERSION})
    assert page.status == 500
    assert json.loads(page.body)["error"]["code"] == "misconfigured"
    assert b"JOURNAL" not in health.body + page.body


@pytest.mark.usefixtures("_on")
def test_without_settings_whoever_is_signed_in_is_told_what_is_wrong() -> None:
    for path in ("/healthz", "/api/slots"):
        assert (
            b"GREENLIGHT_JOURNAL_KEY is not set" in not_running(WRONG, BASE + path, signed_in(ANA.oid)).body
        )


@pytest.mark.parametrize("lacks", ["WEBSITE_AUTH_ENABLED", "GREENLIGHT_TENANT"])
@pytest.mark.usefixtures("_on")
def test_without_sign_in_or_a_tenant_nobody_is_signed_in(lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lacks)

    assert b"JOURNAL" not in not_running(WRONG, f"{BASE}/healthz", signed_in(ANA.oid)).body


def test_a_finding_has_every_word(town: Town, tmp_path: Path) -> None:
    set_up(town, tmp_path, {"QA": "x", "DEV": "y"}, link_keys=(), auth_enabled=False)

    for flaw in town.app.condition.flaws():
        assert all(asdict(flaw).values()), flaw
