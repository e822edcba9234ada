"""function_app while its settings leave nothing to run: nothing that comes in is acknowledged."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import azure.functions as func
import pytest

import function_app
from orchestrator.app import app, web
from orchestrator.version import VERSION
from shared.errors import Invalid
from tests.core.test_settings import SETTINGS
from tests.edges.world import ANA, TENANT, WORKSPACE

PIPELINE = {
    **{
        f"GREENLIGHT_STORAGE__{s}ServiceUri": f"https://glapp.{s}.core.windows.net" for s in ("blob", "table")
    },
    "GREENLIGHT_DEV_WORKSPACE": WORKSPACE.format("dev"),
    "GREENLIGHT_QA_WORKSPACE": WORKSPACE.format("qa").replace("workspaces", "workspace"),
    "GREENLIGHT_APPROVER_1": f"{TENANT}/{ANA}",
    "GREENLIGHT_APPROVER_2": f"{TENANT}/{ANA[:-1]}9",
    "GREENLIGHT_OPERATORS_GROUP": ANA,
    "GREENLIGHT_BRIDGE_KEY": "",
}


def triggers() -> dict[str, Callable[..., Any]]:
    found = (builder._function for builder in function_app.app._function_builders)
    return {each.get_user_function().__name__: each.get_user_function() for each in found}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """The product of a process is made once: here it must be made anew."""
    app.cache_clear(), web.cache_clear()
    yield
    app.cache_clear(), web.cache_clear()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {**SETTINGS, **PIPELINE}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize("wrong", ["GREENLIGHT_JOURNAL_KEY", "GREENLIGHT_DEV_WORKSPACE"])
def test_no_trigger_succeeds_so_events_and_messages_come_again(
    settings: pytest.MonkeyPatch, wrong: str
) -> None:
    settings.delenv(wrong)
    event = func.EventGridEvent(
        id="1", data={}, topic="t", subject="s", event_type="e", event_time=None, data_version="1"
    )
    message = func.QueueMessage(id="1", body="{}")
    given = {name: message for name in triggers() if name.startswith(("on_wake", "on_approval"))}

    for name, what in {**given, "on_model_event": event, "on_sweep": None}.items():
        with pytest.raises(Invalid, match=wrong):
            triggers()[name](what)


def test_health_says_so_without_a_word_about_what_and_the_log_says_what(
    settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.delenv("GREENLIGHT_JOURNAL_KEY")
    request = func.HttpRequest("GET", "https://greenlight.example/healthz", body=b"")

    with caplog.at_level(logging.ERROR, "greenlight"):
        answer = triggers()["web_health"](request)

    assert answer.status_code == 503
    assert json.loads(answer.get_body()) == {"status": "degraded", "version": VERSION}
    assert "GREENLIGHT_JOURNAL_KEY is not set" in caplog.text


def test_once_mended_it_runs_without_a_restart_and_says_what_it_does_without(
    settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A typo in one environment, sign-in off, a key that is none: no reason not to run."""
    settings.delenv("GREENLIGHT_JOURNAL_KEY")
    with pytest.raises(Invalid):
        app()
    settings.setenv("GREENLIGHT_JOURNAL_KEY", SETTINGS["GREENLIGHT_JOURNAL_KEY"])
    settings.setenv("GREENLIGHT_LINK_KEYS", "a long enough key,short")

    with caplog.at_level(logging.WARNING, "greenlight"):
        product = app()

    assert [flaw.where for flaw in product.condition.as_set_up()] == [
        "GREENLIGHT_LINK_KEYS, key 2 of 2",
        "greenlight.yaml, workspace of qa",
        "App Service Authentication",
    ]
    assert caplog.text.count("degraded, ") == 3
    assert "segment 7 is 'workspace', not 'workspaces'" in caplog.text
