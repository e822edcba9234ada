"""An event that Event Grid could not deliver is found, explained and replayed.

The listing that would heal the lost event is kept from working until the letter was replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local import faults
from local.config import APP_IDENTITY
from shared.workspace import Workspace
from tests.cloud.clients import Api
from tests.cloud.commands import said
from tests.cloud.endings import OPERATOR
from tests.cloud.ready_models import AUTHOR, Person
from tests.running import eventually

if TYPE_CHECKING:
    import pytest

    from tests.cloud.inside import Inside

MODEL = "titanic-undelivered"
SECONDS, POLL_SECONDS = 180.0, 0.5


def register(inside: Inside) -> None:
    """A model that gets no further than its gates: nobody has to train it."""
    source = inside.app.policy.source.workspace
    workspace = Workspace(
        inside.app.engine.outside.workspace(source).id,
        inside.app.settings.cloud,
        Person(inside.config, AUTHOR),
    )
    uri = f"azureml://datastores/workspaceblobstore/paths/undelivered/{MODEL}"
    workspace.register(MODEL, "1", uri=uri, type="mlflow_model", tags={}, properties={})


def test_an_event_that_was_given_up_is_replayed_into_a_promotion(
    inside: Inside, capsys: pytest.CaptureFixture[str]
) -> None:
    config = inside.config
    refused = faults.add(config, {"on": "event", "subject": f"*{MODEL}*", "status": 403})
    listing = {"on": "arm", "oid": APP_IDENTITY, "method": "GET", "path": "*/models*", "status": 503}
    unlisted = faults.add(config, listing)
    register(inside)

    def letter() -> Any:
        _, found = said(inside, capsys, "replay")
        return next((x for x in found["deadletters"] if MODEL in x["payload"]), None)

    found = eventually(letter, SECONDS, "the letter is in the table", POLL_SECONDS)
    assert found["source"] == "eventgrid"
    assert "The last answer was Forbidden: the app refused it" in found["reason"]
    assert "(eventgrid-deadletter/GREENLIGHT/" in found["reason"]

    code, first = said(inside, capsys, "replay", found["id"])
    faults.remove(config, unlisted)
    faults.remove(config, refused)
    _, again = said(inside, capsys, "replay", found["id"])
    api = Api(config, OPERATOR)
    promotion = eventually(
        lambda: api.promotion(MODEL, "dev", "1"), SECONDS, "the promotion begins", POLL_SECONDS
    )
    api.close()

    assert (code, first["outcome"], again["outcome"]) == (0, "accepted", "repeated")
    assert promotion["n"] == 1
