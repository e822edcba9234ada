"""What host.json keeps out of logs and telemetry: a path of /review has a token in it."""

from __future__ import annotations

import json
from pathlib import Path

HOST = json.loads((Path(__file__).parents[2] / "host.json").read_text())["logging"]


def test_request_telemetry_carries_no_path():
    options = HOST["applicationInsights"]["httpAutoCollectionOptions"]

    assert options["enableHttpTriggerExtendedInfoCollection"] is False


def test_the_host_does_not_log_each_request_with_its_address():
    levels = HOST["logLevel"]

    assert levels["Microsoft.Azure.WebJobs.Script.WebHost.Middleware"] == "Warning"
