"""What `RunsPort` promises, on the twin and on the workspace's MLflow server."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Invalid, NotFound
from shared.ports import Run
from tests.contract.worlds import CloudWorld, TwinWorld, World


def logged(world: World, *, parent: str | None = None) -> Run:
    """A finished run with one metric written twice."""
    uri = world.workspace("dev").tracking_uri()
    if isinstance(world, TwinWorld):
        now = world.clock.now()
        run = Run(
            uuid.uuid4().hex,
            {"test_auc": 0.81},
            {"C": "0.5"},
            {"git_commit": "abc"},
            "FINISHED",
            now,
            now + timedelta(seconds=1),
            world.identity,
            parent,
            world.identity,
        )
        world.clock.advance(1)
        return world.runs.add(uri, replace(run, tags={**run.tags, **_parent_tag(parent)}))
    assert isinstance(world, CloudWorld)
    store = world.runs._store(uri)  # the suite writes where the adapter reads
    return _write(store, world.runs, uri, parent)


def _parent_tag(parent: str | None) -> dict[str, str]:
    return {"mlflow.parentRunId": parent} if parent else {}


def _write(store: object, runs: object, uri: str, parent: str | None) -> Run:
    from mlflow.entities import Metric, Param, RunStatus, RunTag

    now = int(time.time() * 1000)
    tags = {"git_commit": "abc", **_parent_tag(parent)}
    made = store.create_run("0", "", now, [RunTag(k, v) for k, v in tags.items()], "a run")  # type: ignore[attr-defined]
    run_id = made.info.run_id
    for value, step in ((0.5, 0), (0.81, 1)):
        store.log_metric(run_id, Metric("test_auc", value, now, step))  # type: ignore[attr-defined]
    store.log_param(run_id, Param("C", "0.5"))  # type: ignore[attr-defined]
    store.update_run_info(run_id, RunStatus.FINISHED, now + 1000, None)  # type: ignore[attr-defined]
    found = runs.run(uri, run_id)  # type: ignore[attr-defined]
    assert found is not None
    return found


def test_a_run_tells_its_latest_metrics_params_tags_and_times(world: World) -> None:
    run = logged(world)

    found = world.runs.run(world.workspace("dev").tracking_uri(), run.id)

    assert found == run
    assert (dict(found.metrics), dict(found.params)) == ({"test_auc": 0.81}, {"C": "0.5"})
    assert (found.tags["git_commit"], found.status, found.user) == ("abc", "FINISHED", world.identity)
    assert found.start is not None
    assert found.end == found.start + timedelta(seconds=1)
    assert found.parent is None


def test_children_are_told_oldest_first(world: World) -> None:
    parent = logged(world)
    children = [logged(world, parent=parent.id) for _ in range(2)]

    found = world.runs.children(world.workspace("dev").tracking_uri(), parent.id)

    assert [r.id for r in found] == [r.id for r in children]
    assert {r.parent for r in found} == {parent.id}


def test_a_run_that_does_not_exist_is_none_and_has_no_children(world: World) -> None:
    uri = world.workspace("dev").tracking_uri()

    assert world.runs.run(uri, "0" * 32) is None
    with pytest.raises(NotFound):
        world.runs.children(uri, "0" * 32)


@pytest.mark.parametrize("run_id", ["", "a' or '1'='1", "../x", "a b", "x" * 300])
def test_what_cannot_be_a_run_id_is_invalid(world: World, run_id: str) -> None:
    uri = world.workspace("dev").tracking_uri()
    with pytest.raises(Invalid):
        world.runs.run(uri, run_id)
    with pytest.raises(Invalid):
        world.runs.children(uri, run_id)


def test_the_owner_is_who_began_it_whatever_its_tags_say(world: World) -> None:
    """Votes depend on it: the tag `mlflow.user` can be rewritten by anyone who may write to the run."""
    uri, run = world.workspace("dev").tracking_uri(), logged(world)
    if isinstance(world, TwinWorld):
        world.runs.add(uri, replace(run, user="somebody else"))
    else:
        from mlflow.entities import RunTag

        world.runs._store(uri).set_tag(run.id, RunTag("mlflow.user", "somebody else"))

    found = world.runs.run(uri, run.id)

    assert found is not None
    assert (found.user, found.owner) == ("somebody else", run.owner)
    assert run.owner
