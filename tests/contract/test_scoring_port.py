"""What `ScoringPort` promises, on the twin and on real scoring processes behind the router."""

from __future__ import annotations

import json

import pytest

from shared.errors import Invalid
from shared.ports import Answer
from tests.contract.test_workspace_port import deployed, made_endpoint, register, shift
from tests.contract.worlds import World

BODY = json.dumps({"input_data": {"columns": ["a"], "index": [0], "data": [[0.5]]}}).encode()


def ask(world: World, endpoint: str, deployment: str | None = None, key: str | None = None) -> Answer:
    workspace = world.workspace("qa")
    found = workspace.endpoint(endpoint)
    assert found is not None
    return world.scoring.score(
        found.scoring_uri,
        workspace.scoring_key(endpoint) if key is None else key,
        BODY,
        deployment=deployment,
        timeout=10,
        request_id="probe/1",
    )


def test_a_deployment_answers_by_name_before_it_has_traffic(world: World) -> None:
    name = world.name("scored")
    register(world, name)
    endpoint = made_endpoint(world, "ep-scored")
    deployed(world, endpoint, "v1-100", (name, "1"))

    named = ask(world, endpoint, "v1-100")
    assert (named.status, named.headers["azureml-model-deployment"]) == (200, "v1-100")
    assert isinstance(json.loads(named.body), list)
    assert named.seconds > 0
    assert ask(world, endpoint).status == 404
    assert ask(world, endpoint, "nobody").status == 404
    assert ask(world, endpoint, "v1-100", key="wrong").status == 401

    shift(world, endpoint, {"v1-100": 100}, {})
    assert ask(world, endpoint).headers["azureml-model-deployment"] == "v1-100"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/score",
        "http://{host}/score",
        "https://{host}.evil.example/score",
        "https://evil.example#.{host}/score",
        "https://user@ep.{host}/score",
        "https://ep.{host}:8443/score",
        "https://{host}@evil.example/score",
        "https://[::1/score",
        "",
    ],
)
def test_the_key_is_sent_to_this_clouds_scoring_hosts_only(world: World, uri: str) -> None:
    with pytest.raises(Invalid):
        world.scoring.score(
            uri.format(host=world.scoring_host), "key", b"{}", deployment=None, timeout=1, request_id="r"
        )
