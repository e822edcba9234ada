"""Pipeline jobs as real processes: order, files, runs, logs, and how a failure is told."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from local.azureml.callers import Caller
from local.azureml.jobs import Jobs, JobUpdate
from local.azureml.refusals import Refusal
from local.config import PEOPLE
from tests.local.runtime.conftest import ACCOUNT, CONTAINER
from tests.local.runtime.pipelines import CODE, Shelf, node, pipeline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from azure.storage.blob import BlobServiceClient

    from local.config import LocalConfig
    from tests.local.runtime.conftest import Bench

    OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]

CALLER = Caller(PEOPLE[0].oid, PEOPLE[0].name)


@pytest.fixture
def storage(platform: LocalConfig) -> Iterator[BlobServiceClient]:
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(
        platform.connection_string(ACCOUNT), connection_verify=str(platform.ca_bundle), use_env_settings=False
    ) as client:
        container = client.get_container_client(CONTAINER)
        for name, text in CODE.items():
            container.upload_blob(f"code/1/{name}", text, overwrite=True)
        container.upload_blob("data/words.txt", "one two three ", overwrite=True)
        yield client


async def run(bench: Bench, body: dict[str, Any]) -> list[JobUpdate]:
    """Every update of one job, the last one being its end."""
    updates: list[JobUpdate] = []
    ended = asyncio.Event()

    async def take(update: JobUpdate) -> None:
        updates.append(update)
        if update.status != "Running":
            ended.set()

    jobs = Jobs(bench.config, bench.runtime, Shelf(), take)
    await jobs.submit("dev", f"job_{secrets.token_hex(4)}", body, CALLER)
    async with asyncio.timeout(60):
        await ended.wait()
    return updates


def read(storage: BlobServiceClient, container: str, name: str) -> str:
    return storage.get_blob_client(container, name).download_blob().readall().decode()


async def mlflow_run(bench: Bench, run_id: str) -> dict[str, Any]:
    url = f"http://127.0.0.1:{bench.config.port('mlflow_dev')}/api/2.0/mlflow/runs/get"
    answer = await bench.http.get(url, params={"run_id": run_id})
    found = answer.raise_for_status().json()["run"]
    return {
        **found["info"],
        "tags": {t["key"]: t["value"] for t in found["data"]["tags"]},
        "metrics": {m["key"]: m["value"] for m in found["data"].get("metrics", [])},
    }


def test_a_pipeline_runs_in_order_and_leaves_outputs_logs_and_runs(
    on_bench: OnBench, storage: BlobServiceClient
) -> None:
    async def story(bench: Bench) -> None:
        updates = await run(bench, pipeline())
        end = updates[-1]
        assert (end.status, end.error) == ("Completed", None)
        assert {u.status for u in updates[:-1]} == {"Running"}
        assert next(iter(end.node_runs)) == "prep"
        assert end.outputs["final"].endswith(
            f"/datastores/workspaceblobstore/paths/azureml/{end.name}/final/"
        )

        assert read(storage, CONTAINER, f"azureml/{end.name}/final/model.txt") == "good None"
        assert read(storage, CONTAINER, f"azureml/{end.name}/words").split() == ["6"]
        assert read(storage, CONTAINER, f"azureml/{end.node_runs['prep']}/rows/rows.txt").split()[:2] == [
            "one",
            "two",
        ]
        story_log = read(storage, "azureml", f"ExperimentRun/dcid.{end.name}/logs/azureml/executionlogs.txt")
        assert "train: finished" in story_log
        step_log = read(
            storage, "azureml", f"ExperimentRun/dcid.{end.node_runs['train']}/user_logs/std_log.txt"
        )
        assert "conda file and image are not used" in step_log

        parent = await mlflow_run(bench, end.name)
        assert (parent["status"], parent["run_name"]) == ("FINISHED", "a job")
        assert (parent["user_id"], parent["tags"]["colour"]) == (CALLER.oid, "red")
        child = await mlflow_run(bench, end.node_runs["train"])
        assert (child["status"], child["metrics"]) == ("FINISHED", {"rows": 6.0})
        assert child["tags"]["mlflow.parentRunId"] == end.name
        assert child["experiment_id"] == parent["experiment_id"]

    on_bench(story)


def test_a_failure_names_the_node_shows_its_log_and_stops_what_needs_it(
    on_bench: OnBench, storage: BlobServiceClient
) -> None:
    after = node("train", {"rows": "${{parent.jobs.train.outputs.model}}", "note": "x"})

    async def story(bench: Bench) -> None:
        end = (await run(bench, pipeline("bad", after=after)))[-1]
        assert end.status == "Failed"
        assert end.error is not None
        assert end.error.startswith("Node 'train' failed with exit code 1.")
        assert end.error.endswith("ValueError: nothing learned")
        assert "after" not in end.node_runs
        assert end.outputs == {}
        assert (await mlflow_run(bench, end.name))["status"] == "FAILED"
        assert (await mlflow_run(bench, end.node_runs["train"]))["status"] == "FAILED"
        assert (await mlflow_run(bench, end.node_runs["prep"]))["status"] == "FINISHED"

    on_bench(story)


def test_a_canceled_job_ends_its_processes(on_bench: OnBench, storage: BlobServiceClient) -> None:
    body = pipeline()
    body["properties"] |= {"jobs": {"wait": node("wait", {})}, "outputs": {}}

    async def story(bench: Bench) -> None:
        updates: list[JobUpdate] = []
        begun = asyncio.Event()

        async def take(update: JobUpdate) -> None:
            updates.append(update)
            if update.node_runs:
                begun.set()

        jobs = Jobs(bench.config, bench.runtime, Shelf(), take)
        name = f"job_{secrets.token_hex(4)}"
        await jobs.submit("dev", name, body, CALLER)
        async with asyncio.timeout(20):
            await begun.wait()
            await jobs.cancel("dev", name)
        assert updates[-1].status == "Canceled"
        assert await bench.runtime.zygote.find(f"job/{name}/wait") is None
        assert (await mlflow_run(bench, name))["status"] == "KILLED"

    on_bench(story)


def test_a_job_canceled_at_once_ends_without_ado(
    on_bench: OnBench, storage: BlobServiceClient, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(bench: Bench) -> None:
        updates: list[JobUpdate] = []

        async def take(update: JobUpdate) -> None:
            updates.append(update)

        jobs = Jobs(bench.config, bench.runtime, Shelf(), take)
        await jobs.submit("dev", f"job_{secrets.token_hex(4)}", pipeline(), CALLER)
        await asyncio.sleep(0)  # its first step: it has no run yet
        await jobs.close()
        assert [update.status for update in updates] == ["Canceled"]

    on_bench(story)
    assert "Traceback" not in capsys.readouterr().err


def test_a_command_job_is_its_own_run(on_bench: OnBench, storage: BlobServiceClient) -> None:
    body = {
        "properties": {
            "jobType": "Command",
            "command": "echo $COLOUR > ${{outputs.out}}/colour.txt",
            "environmentVariables": {"COLOUR": "green"},
            "outputs": {"out": {"jobOutputType": "uri_folder"}},
        }
    }

    async def story(bench: Bench) -> None:
        end = (await run(bench, body))[-1]
        assert (end.status, end.node_runs) == ("Completed", {})
        assert read(storage, CONTAINER, f"azureml/{end.name}/out/colour.txt") == "green\n"
        assert (await mlflow_run(bench, end.name))["status"] == "FINISHED"

    on_bench(story)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ({"train": node("train", {"note": "x"})}, "Required input 'rows' of node 'train' has no value"),
        ({"prep": node("prep", {"data": "${{parent.inputs.nothing}}"})}, "no input 'nothing'"),
        ({"count": node("count", {"rows": "${{parent.jobs.nobody.outputs.rows}}"})}, "of node 'nobody'"),
        (
            {"prep": node("prep", {"data": "${{parent.jobs.count.outputs.words}}"})},
            "Nodes wait for each other: count, prep, train",
        ),
        (
            {"prep": node("prep", {"data": "x"}, {"rows": "${{parent.outputs.nowhere}}"})},
            "no output 'nowhere'",
        ),
    ],
)
def test_a_job_that_can_never_run_is_refused(
    on_bench: OnBench, nodes: dict[str, dict[str, Any]], said: str
) -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(Refusal, match=said):
            await run(bench, pipeline(**nodes))

    on_bench(story)


def test_files_that_are_not_there_fail_their_node(on_bench: OnBench, storage: BlobServiceClient) -> None:
    body = pipeline()
    missing = "azureml://datastores/workspaceblobstore/paths/data/no-such-file.txt"
    body["properties"]["inputs"]["words"]["uri"] = missing

    async def story(bench: Bench) -> None:
        end = (await run(bench, body))[-1]
        assert end.status == "Failed"
        assert "Node 'prep' could not be prepared: there is nothing at" in str(end.error)

    on_bench(story)
