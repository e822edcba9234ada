"""Commands of the command line, said by the operator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local import identity
from local.config import APP_ACCOUNT
from orchestrator.cli import main as greenlight
from tests.cloud.endings import OPERATOR

if TYPE_CHECKING:
    import pytest

    from tests.cloud.inside import Inside


def said(inside: Inside, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """A command of the operator's, and its answer."""
    config = inside.config
    env = {
        "GREENLIGHT_BASE_URL": config.front_url,
        "GREENLIGHT_TOKEN": identity.issue_token(config, OPERATOR),
        "GREENLIGHT_STORAGE__tableServiceUri": config.storage_url(APP_ACCOUNT, "table"),
        "GREENLIGHT_STORAGE__blobServiceUri": config.storage_url(APP_ACCOUNT, "blob"),
        "GREENLIGHT_STORAGE_SUFFIX": inside.app.settings.cloud.storage_suffix,
    }
    capsys.readouterr()
    code = greenlight([*words, "--json"], env)
    return code, json.loads(capsys.readouterr().out)
