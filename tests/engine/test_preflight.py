"""Whatever would stop a rollout later is found before anyone is asked, or waited for; what serves goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.model import Phase, Promotion, Reason, Verdict
from shared.errors import Busy, Forbidden
from shared.rights import Granted
from simulation.twins.online import Region
from simulation.twins.region import FAMILY
from tests.engine.town import ANA, DEV, PIPELINE, QA, Town

ML = "Microsoft.MachineLearningServices/workspaces"
DELETE = f"{ML}/onlineEndpoints/deployments/delete"
PYFUNC = "flavors: {python_function: {loader_module: sample}}"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Version 1 serves in both environments."""
    town = Town(tmp_path)
    in_qa(town, "1")
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.state(QA).slot.serving is not None
    return town


def in_qa(town: Town, version: str, mlmodel: str = "") -> Promotion:
    """Registered and live in dev; in qa as far as it gets by itself."""
    town.register(version)
    if mlmodel:
        files = town.blobs.container("gldev", "azureml-blobstore")
        files.write(f"models/titanic/{version}/MLmodel", mlmodel.encode())
    town.announce(version)
    town.settle()
    return town.promotion(int(version), QA)


def in_dev(town: Town, version: str, mlmodel: str) -> Promotion:
    town.register(version)
    files = town.blobs.container("gldev", "azureml-blobstore")
    files.write(f"models/titanic/{version}/MLmodel", mlmodel.encode())
    town.announce(version)
    town.settle()
    return town.promotion(int(version), DEV)


def why(town: Town, n: int) -> list[str]:
    return [row.entry.why for row in town.app.ledger.journal(QA) if row.entry.n == n]


# ---- name


def test_a_name_that_another_workspace_of_ours_has_in_the_region_is_refused_at_once(tmp_path: Path) -> None:
    """Names are host names: two environments with one name can only meet in one region."""
    town = Town(tmp_path, PIPELINE.replace("{model}-qa", "{model}-dev"))

    ended = in_qa(town, "1")

    assert (ended.verdict, ended.reason) == (Verdict.FAILED, Reason.PREFLIGHT)
    assert ended.sentence == (
        "endpoint name titanic-dev is taken in this region by workspace mlw-dev: give the slot another one"
    )
    assert town.requests() == []


def test_in_another_region_the_name_is_free(tmp_path: Path) -> None:
    town = Town(tmp_path, PIPELINE.replace("{model}-qa", "{model}-dev"))
    town.qa.online.region = Region("northeurope.inference.ml.azure.com")

    assert in_qa(town, "1").phase is Phase.AWAITING_APPROVAL


# ---- room


def test_an_unknown_instance_type_is_named_with_what_there_is(tmp_path: Path) -> None:
    town = Town(tmp_path, PIPELINE.replace(
        'endpoint: "{model}-qa"', 'endpoint: "{model}-qa"\n    deployment: {instance_type: Standard_DS3v2}'
    ))  # fmt: skip

    ended = in_qa(town, "1")

    assert (ended.verdict, ended.reason) == (Verdict.FAILED, Reason.INSTANCE_TYPE)
    assert ended.sentence.startswith("instance type Standard_DS3v2 is not offered in this region; it offers")
    assert "Standard_DS3_v2" in ended.sentence
    assert town.requests() == []


def test_without_quota_nobody_is_asked_until_there_is_some(town: Town) -> None:
    """One instance of four cores takes eight: a fifth more instances are reserved."""
    town.qa.limits[FAMILY] = 15

    waiting = in_qa(town, "2")

    assert (waiting.phase, waiting.verdict, waiting.asks) == (Phase.GATING, None, 0)
    assert waiting.trouble == (
        "1 × Standard_DS3_v2 beside what serves need 8 cores of quota, upgrades included; "
        f"7 of 15 of {FAMILY} are free: a person must help"
    )
    town.qa.limits[FAMILY] = 16
    town.settle()

    asked = town.promotion(2, QA)
    assert (asked.phase, asked.trouble) == (Phase.AWAITING_APPROVAL, "")
    assert "quota" not in asked.asked


def test_the_regions_own_limit_counts_too(town: Town) -> None:
    town.qa.limits[""] = 15
    assert "7 of 15 of the whole region are free" in in_qa(town, "2").trouble


def test_a_shortage_is_given_up_after_a_day_and_said_once(town: Town) -> None:
    town.qa.limits[FAMILY] = 15
    in_qa(town, "2")

    town.clock.advance(timedelta(hours=25).total_seconds())
    town.sweep()

    ended = town.promotion(2, QA)
    assert (ended.verdict, ended.reason) == (Verdict.FAILED, Reason.QUOTA)
    assert ended.sentence.endswith("waited for a day")
    assert len([row for row in town.app.ledger.journal(QA) if row.entry.what == "person.needed"]) == 1
    assert town.state(QA).slot.serving is not None


def test_quota_that_cannot_be_read_stops_nothing_and_is_said(town: Town) -> None:
    town.qa.faults.fail("core_usages", Forbidden("403 AuthorizationFailed"), times=9)

    assert in_qa(town, "2").phase is Phase.AWAITING_APPROVAL
    assert "instance type and quota could not be checked: 403 AuthorizationFailed" in " ".join(why(town, 2))


# ---- rights


def test_a_missing_right_is_named_and_waited_for(town: Town) -> None:
    town.qa.roles[:] = [Granted(("*",), (DELETE,))]

    waiting = in_qa(town, "2")
    assert (waiting.phase, waiting.verdict) == (Phase.GATING, None)
    assert f"may not do {DELETE} in the workspace" in waiting.trouble

    town.qa.roles[:] = [Granted((f"{ML}/*",))]
    town.settle()
    assert town.promotion(2, QA).phase is Phase.AWAITING_APPROVAL


def test_only_a_later_environment_must_be_allowed_to_register(town: Town) -> None:
    register = Granted(("*",), (f"{ML}/models/versions/write",))
    town.dev.roles[:], town.qa.roles[:] = [register], [register]

    waiting = in_qa(town, "2")

    assert town.promotion(2, DEV).verdict is Verdict.LIVE
    assert f"may not do {ML}/models/versions/write in the workspace" in waiting.trouble


def test_rights_that_cannot_be_read_stop_nothing(town: Town) -> None:
    town.qa.faults.fail("granted", Forbidden("403 AuthorizationFailed"), times=9)

    assert in_qa(town, "2").phase is Phase.AWAITING_APPROVAL
    assert "rights could not be checked" in " ".join(why(town, 2))


# ---- files


@pytest.mark.parametrize(
    ("mlmodel", "sentence"),
    [
        ("flavors: {sklearn: {}}", "has no python_function flavor (it has sklearn)"),
        ("flavors: {}", "has no python_function flavor (it has none)"),
        ("model_uuid: x", "has no python_function flavor (it has none)"),
        ("flavors: {python_function: {}}", "names no loader_module"),
        (
            "flavors: {python_function: {loader_module: m, env: {conda: c.yaml, virtualenv: v.yaml}}}",
            "names c.yaml, v.yaml, which is not there",
        ),
        ("- a list", "cannot be read"),
        ("{", "cannot be read"),
        ("!!python/object:os.system {}", "cannot be read"),
        ("[" * 3000, "cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_before_anything_is_deployed(
    town: Town, mlmodel: str, sentence: str
) -> None:
    before = list(town.dev.accepted)

    ended = in_dev(town, "2", mlmodel)

    assert (ended.verdict, ended.reason) == (Verdict.FAILED, Reason.UNLOADABLE)
    assert ended.sentence.startswith("version 2 cannot be loaded: ")
    assert sentence in ended.sentence
    assert town.dev.accepted == before


def test_a_folder_without_mlmodel_is_refused(town: Town) -> None:
    town.register("2")
    files = town.blobs.container("gldev", "azureml-blobstore")
    files.write("models/titanic/two/model.pkl", b"bytes")
    uri = "azureml://datastores/workspaceblobstore/paths/models/titanic/two"
    town.dev.add_model("titanic", "2", uri=uri)
    town.announce("2")
    town.settle()

    ended = town.promotion(2, DEV)
    assert ended.reason is Reason.UNLOADABLE
    assert "there is no MLmodel file in its folder" in ended.sentence


def test_another_kind_of_model_needs_a_script_that_nobody_has(town: Town) -> None:
    registered = town.register("2")
    town.dev.add_model("titanic", "2", uri=registered.uri, type="custom_model")
    town.announce("2")
    town.settle()

    assert "registered as custom_model: only MLflow models" in town.promotion(2, DEV).sentence


# ---- signatures


def signed(*columns: tuple[str, str]) -> str:
    rows = [{"type": kind, "name": name, "required": True} for name, kind in columns]
    return f"{PYFUNC}\nsignature: {{inputs: '{json.dumps(rows)}'}}"


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ([("a", "double"), ("b", "string")], ""),
        ([("a", "double")], ""),
        (
            [("a", "double"), ("b", "string"), ("c", "long")],
            "'c' is required now, and clients do not send it",
        ),
        ([("a", "string"), ("b", "string")], "'a' was integer and is string now"),
    ],
)
def test_inputs_of_what_serves_must_be_accepted(
    tmp_path: Path, columns: Sequence[tuple[str, str]], sentence: str
) -> None:
    town = Town(tmp_path)
    assert in_dev(town, "1", signed(("a", "integer"), ("b", "string"))).verdict is Verdict.LIVE

    ended = in_dev(town, "2", signed(*columns))

    assert ended.reason is (Reason.SIGNATURE if sentence else Reason.LIVE)
    assert sentence in ended.sentence


def test_a_change_that_is_meant_is_let_through(tmp_path: Path) -> None:
    town = Town(tmp_path, PIPELINE.replace("request.json}", "request.json, signature: any}"))
    in_dev(town, "1", signed(("a", "integer")))

    assert in_dev(town, "2", signed(("z", "string"))).verdict is Verdict.LIVE


def test_without_a_signature_nothing_is_compared_and_that_is_said(town: Town) -> None:
    in_qa(town, "2", signed(("a", "integer")))
    assert "v1, which serves, says nothing of its inputs" in " ".join(why(town, 2))


def test_what_serves_by_then_is_compared_once_more(tmp_path: Path) -> None:
    """People think for days, and an older promotion may go live meanwhile: the probe looks again."""
    town = Town(tmp_path)
    in_dev(town, "1", signed(("a", "integer"), ("b", "string")))
    town.dev.faults.fail("create_deployment", Busy("409"), times=2)
    files = town.blobs.container("gldev", "azureml-blobstore")
    town.register("2")
    files.write("models/titanic/2/MLmodel", signed(("a", "integer"), ("b", "string")).encode())
    town.announce("2")
    town.settle(5)
    assert town.promotion(2, DEV).preflighted
    assert town.promotion(2, DEV).probe is None
    files.write("models/titanic/1/MLmodel", signed(("a", "integer")).encode())
    town.settle()

    ended = town.promotion(2, DEV)
    assert ended.reason is Reason.SIGNATURE
    assert ended.sentence.endswith(
        "refuses clients of what serves: 'b' is required now, and clients do not send it"
    )
