"""An operator goes back and then retires the endpoint: real SDK, emulated platform, whole product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cloud.clients import Api
from tests.cloud.endings import OPERATOR
from tests.cloud.story import FIRST, POLL_SECONDS, SECOND, STEP_SECONDS, Story
from tests.running import eventually

if TYPE_CHECKING:
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

MODEL = "titanic-hand"
SLOT = f"/api/slots/{MODEL}/qa"


def test_back_to_what_served_before_and_then_away(inside: Inside, ready_models: ReadyModels) -> None:
    story = Story(inside, ready_models, MODEL)
    qa, endpoint = inside.workspace("qa"), inside.app.policy.slot(MODEL, "qa")
    assert endpoint is not None
    with story.talking():
        for version in (FIRST, SECOND):
            story.promote(version, story.vote_through_the_api)
        operator = Api(inside.config, OPERATOR)

        assert operator.command(f"{SLOT}/rollback", "wrong scores", key="back")
        eventually(lambda: story.serves("qa", FIRST), STEP_SECONDS, "v1 serves again", POLL_SECONDS)

        slot = operator.slot(MODEL, "qa")
        found = qa.endpoint(endpoint.endpoint)
        assert slot is not None
        assert found is not None
        assert slot["hold"].startswith("rolled back: wrong scores (")
        assert dict(found.traffic) == {slot["serving"]["deployment"]: 100}
        assert found.tags["prod"] == slot["serving"]["deployment"]
        assert qa.model(MODEL, "3") is None, "nothing is registered once more"

        assert operator.command(f"{SLOT}/retire", "no longer needed", confirm=f"{MODEL}@qa", key="away")
        eventually(
            lambda: qa.endpoint(endpoint.endpoint) is None, STEP_SECONDS, "the endpoint is gone", POLL_SECONDS
        )
        eventually(
            lambda: (operator.slot(MODEL, "qa") or {"serving": 1})["serving"] is None,
            STEP_SECONDS,
            "the slot knows it",
            POLL_SECONDS,
        )
        operator.close()
