"""`greenlight verify --anchors` on the command line: what it takes, and what it says when that is missing."""

from __future__ import annotations

import pytest

from orchestrator import cli
from shared.settings import read_state

STATE = {
    "GREENLIGHT_STORAGE__tableServiceUri": "https://glapp.table.core.windows.net",
    "GREENLIGHT_STORAGE__blobServiceUri": "https://glapp.blob.core.windows.net",
}


def test_addresses_are_all_it_needs() -> None:
    settings = read_state(STATE)

    assert (settings.state_account, settings.anchor_days, settings.journal_key) == ("glapp", 365, b"")


def test_what_is_missing_is_named_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["verify", "--anchors"], {"GREENLIGHT_STORAGE__tableServiceUri": "nowhere"})

    said = capsys.readouterr().err
    assert code == cli.USAGE
    assert "GREENLIGHT_STORAGE__tableServiceUri must be an address" in said
    assert "GREENLIGHT_STORAGE__blobServiceUri is not set" in said
    assert "GREENLIGHT_JOURNAL_KEY" not in said


@pytest.mark.parametrize("days", ["0", "a year", "146001"])
def test_days_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str], days: str) -> None:
    assert cli.main(["verify", "--anchors"], STATE | {"GREENLIGHT_ANCHOR_DAYS": days}) == cli.USAGE
    assert "GREENLIGHT_ANCHOR_DAYS must be a number from 1 to 146000" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["titanic"], ["titanic@qa", "churn@qa"], ["--unknown"]])
def test_wrong_usage_asks_nobody(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert cli.main(["verify", "--anchors", *words], STATE) == cli.USAGE
    assert capsys.readouterr().err


def test_help_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--anchors", "--help"], {}) == cli.OK
    assert "Storage Table Data Reader" in capsys.readouterr().out
    assert cli.main(["verify", "--help"], {}) == cli.OK
    assert "--anchors" in capsys.readouterr().out
