"""What reading a registry must not fall for: answers that lead elsewhere, and answers that lack something."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.azure import AzureCloud
from shared.errors import Busy, Forbidden, GreenlightError, Invalid, NotFound, Refused, Unavailable
from shared.ports import Answer
from shared.registry import Registry
from shared.registry_id import RegistryId

ROOT = "https://cert-westeurope.experiments.azureml.net"
PLACE = (
    "subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-models"
    "/providers/Microsoft.MachineLearningServices/registries/mlr-models"
)
FRONT = f"{ROOT}/mferp/managementfrontend/{PLACE}"
FILES = "https://glmodels.blob.core.windows.net/v-titanic-1"
SIGNED = f"{FILES}?sv=2026&sp=rl&sig=SECRET"
EVER = datetime(2026, 1, 1, tzinfo=UTC)


class Plane:
    """A registry that answers as it is told; `asked` is what was sent to it, and by whose token."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.scopes: set[str] = set()
        self.discovery: dict[str, Any] = {
            "primaryRegionResourceProviderUri": f"{ROOT}/",
            "subscriptionId": "00000000-0000-4000-8000-000000000001",
            "resourceGroup": "rg-models",
        }
        self.models: list[dict[str, Any]] = [{"name": "titanic"}]
        self.versions: list[dict[str, Any]] = [version("1")]
        self.next_link = ""
        self.reference: dict[str, Any] = {"credential": {"credentialType": "SAS", "sasUri": SIGNED}}
        self.refusals: dict[str, tuple[int, dict[str, str]]] = {}

    def __call__(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        self.asked.append((method, url))
        self.scopes.add(scope)
        path = url.partition("?")[0]
        for part, (status, told) in self.refusals.items():
            if part in path:
                error = {"error": {"code": "Said", "message": f"no {SIGNED}"}}
                return Answer(status, json.dumps(error).encode(), told, 0.01)
        return Answer(200, json.dumps(self._answer(path)).encode(), {}, 0.01)

    def _answer(self, path: str) -> object:
        if path.endswith("/discovery"):
            return self.discovery
        if "/datarefs/" in path:
            return {"blobReferenceForConsumption": self.reference}
        if path.endswith("/models"):
            return {"value": self.models, "nextLink": self.next_link}
        if path.endswith("/versions"):
            return {"value": self.versions}
        return self.versions[0]

    def registry(self, timeout: float = 20.0) -> Registry:
        return Registry(RegistryId("mlr-models"), AzureCloud(), self, timeout=timeout)


def version(number: str, **properties: object) -> dict[str, Any]:
    return {
        "name": number,
        "properties": {"modelType": "mlflow_model", "modelUri": f"{FILES}/model", **properties},
        "systemData": {"createdAt": "2026-01-05T09:00:00.1234567+00:00", "createdBy": "Ada"},
    }


def every(name: str) -> bool:
    return bool(name)


def test_a_version_is_read_where_the_discovery_says() -> None:
    plane = Plane()

    found = plane.registry().model("titanic", "1")

    assert found is not None
    assert found.uri == "azureml://registries/mlr-models/models/titanic/versions/1"
    assert (found.created_at.microsecond, found.created_by, found.job_name) == (123456, "Ada", None)
    discovery, read = plane.asked
    assert discovery == (
        "GET",
        "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/mlr-models/discovery?api-version=v1.0",
    )
    assert read == ("GET", f"{FRONT}/models/titanic/versions/1?api-version=2021-10-01-dataplanepreview")
    assert plane.scopes == {"https://management.azure.com/.default"}


def test_it_is_looked_up_once() -> None:
    plane = Plane()
    registry = plane.registry()

    for _ in range(3):
        registry.model("titanic", "1")

    assert [url for _, url in plane.asked if "discovery" in url] == [plane.asked[0][1]]


@pytest.mark.parametrize(
    "address",
    [
        "https://cert-westeurope.experiments.azureml.net.evil.example/",
        "https://evil.example/",
        "https://evilexperiments.azureml.net/",
        "http://cert-westeurope.experiments.azureml.net/",
        "https://cert-westeurope.experiments.azureml.net:8443/",
        "https://user@cert-westeurope.experiments.azureml.net/",
        "https://cert-westeurope.experiments.azureml.net/elsewhere",
        "",
    ],
)
def test_no_token_goes_to_a_host_that_is_not_of_this_cloud(address: str) -> None:
    plane = Plane()
    plane.discovery["primaryRegionResourceProviderUri"] = address

    with pytest.raises(Invalid, match="GREENLIGHT_REGISTRY_HOSTS"):
        plane.registry().model("titanic", "1")

    assert len(plane.asked) == 1


@pytest.mark.parametrize(
    ("field", "value"), [("subscriptionId", "../x"), ("resourceGroup", "a/b"), ("resourceGroup", None)]
)
def test_a_discovery_that_names_no_place_is_no_answer(field: str, value: object) -> None:
    plane = Plane()
    plane.discovery[field] = value

    with pytest.raises(Unavailable, match="does not say where the registry is"):
        plane.registry().model("titanic", "1")


def test_a_registry_that_does_not_exist_is_not_a_model_that_does_not() -> None:
    plane = Plane()
    plane.refusals["/discovery"] = 404, {}

    with pytest.raises(NotFound):
        plane.registry().model("titanic", "1")

    gone = Plane()
    gone.refusals["/versions/1"] = 404, {}
    assert gone.registry().model("titanic", "1") is None


def test_a_list_goes_on_only_at_the_same_address() -> None:
    plane = Plane()
    plane.next_link = "https://evil.example/page2"

    with pytest.raises(Invalid, match="outside the registry's own address"):
        plane.registry().models_since(every, EVER, 10)

    assert not [url for _, url in plane.asked if "evil" in url]


def test_archived_versions_and_names_that_cannot_be_are_left_out() -> None:
    plane = Plane()
    plane.models = [{"name": "titanic"}, {"name": "../../x"}, {"name": None}]
    plane.versions = [version("2", isArchived=True), version("1")]

    found = plane.registry().models_since(every, EVER, 10)

    assert [(m.name, m.version) for m in found] == [("titanic", "1")]
    assert not [url for _, url in plane.asked if ".." in url]


@pytest.mark.parametrize(("name", "number"), [("../x", "1"), ("titanic", "1/../2"), ("a?b", "1"), ("", "1")])
def test_names_that_no_registry_has_are_not_asked_for(name: str, number: str) -> None:
    plane = Plane()

    with pytest.raises(Invalid):
        plane.registry().model(name, number)

    assert plane.asked == []


def test_files_are_where_the_version_says_opened_by_what_the_registry_gives() -> None:
    plane = Plane()

    found = plane.registry().files("titanic", "1")

    assert (found.account, found.container, found.path) == ("glmodels", "v-titanic-1", "model")
    assert found.sas == "sv=2026&sp=rl&sig=SECRET"
    assert "SECRET" not in repr(found)
    url = f"{FRONT}/datarefs/titanic/versions/1?api-version=2021-10-01-dataplanepreview"
    assert plane.asked[-1] == ("POST", url)


def test_a_version_may_be_a_whole_container() -> None:
    plane = Plane()
    plane.versions = [version("1", modelUri=FILES)]

    assert plane.registry().files("titanic", "1").path == ""


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (FILES, Refused),  # no signature
        ("https://glmodels.blob.core.windows.net/another?sig=SECRET", Refused),
        ("https://another.blob.core.windows.net/v-titanic-1?sig=SECRET", Refused),
        ("https://glmodels.blob.core.windows.net.evil.example/v-titanic-1?sig=SECRET", Invalid),
        ("https://evil.example/v-titanic-1?sig=SECRET", Invalid),
        ("http://glmodels.blob.core.windows.net/v-titanic-1?sig=SECRET", Invalid),
        ("https://glmodels.blob.core.windows.net:444/v-titanic-1?sig=SECRET", Invalid),
        ("", Refused),
    ],
)
def test_a_signature_of_anything_else_is_refused_and_not_repeated(
    address: str, error: type[GreenlightError]
) -> None:
    plane = Plane()
    plane.reference["credential"]["sasUri"] = address

    with pytest.raises(error) as refused:
        plane.registry().files("titanic", "1")

    assert "SECRET" not in str(refused.value)


def test_a_version_whose_files_are_elsewhere_is_refused_before_a_signature_is_asked_for() -> None:
    plane = Plane()
    plane.versions = [version("1", modelUri="https://evil.example/v-titanic-1/model")]

    with pytest.raises(Invalid, match=r"keeps files at 'evil\.example'"):
        plane.registry().files("titanic", "1")

    assert not [url for _, url in plane.asked if "/datarefs/" in url]


@pytest.mark.parametrize("path", ["../other", "a//b", "a%2F..%2Fb", "a\\b"])
def test_a_path_that_climbs_is_refused(path: str) -> None:
    plane = Plane()
    plane.versions = [version("1", modelUri=f"{FILES}/{path}")]

    with pytest.raises(Invalid):
        plane.registry().files("titanic", "1")


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [(403, {}, Forbidden), (429, {"retry-after": "7"}, Busy), (503, {}, Unavailable), (400, {}, Refused)],
)
def test_refusals_are_told_without_what_they_quote(
    status: int, headers: dict[str, str], error: type[GreenlightError]
) -> None:
    plane = Plane()
    plane.refusals["/datarefs/"] = status, headers

    with pytest.raises(error) as refused:
        plane.registry().files("titanic", "1")

    assert "SECRET" not in str(refused.value)
    assert "titanic:1 in azureml://registries/mlr-models" in str(refused.value)
    if isinstance(refused.value, Busy):
        assert refused.value.after == 7


def test_an_answer_without_a_date_is_no_answer() -> None:
    plane = Plane()
    plane.versions[0]["systemData"] = {}

    with pytest.raises(Unavailable, match="lacks"):
        plane.registry().model("titanic", "1")


def test_a_listing_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = Plane()
    ticks = iter(range(0, 1000, 8))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    slow: Callable[[], object] = lambda: plane.registry().models_since(every, EVER, 10)  # noqa: E731

    with pytest.raises(Unavailable, match="its time was used up"):
        slow()

    assert len(plane.asked) == 2
