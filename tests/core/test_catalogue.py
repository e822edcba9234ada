"""What the platform says, and what is made of it. The words are from issues and the platform's pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.catalogue import FAULTS, UNKNOWN, Remedy, classify, deployments, patient

OPERATORS = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()

SAID = [
    ("'/subscription/x' is not the id of a workspace: segment 1 is 'subscription', not …", "configuration"),
    (
        "OperationCanceled: The operation was canceled by another operation with a higher priority",
        "cancelled",
    ),
    ("deployment v2 is Canceled: OperationCanceled", "cancelled"),
    ("OutOfQuota: Not enough quota available for Standard_DS3_v2 in SubscriptionId …", "quota"),
    ("OutOfQuota: The region has not enough capacity", "quota"),
    ("could not create deployment: 400 BadRequest OutOfQuota", "quota"),
    ("InferencingClientCallFailed: not enough capacity in westeurope", "capacity"),
    ("SkuNotAvailable: Standard_NC6 is not available", "capacity"),
    ("ImageBuildFailure: conda could not solve, the build was canceled after 60 min", "image"),
    ("ImageBuildFailure: pip: conflict", "image"),
    ("ResourceNotReady: User container has crashed or terminated", "crash"),
    ("the liveness probe failed 30 times", "crash"),
    ("BadArgument: the startup request was refused", "argument"),
    ("WorkspaceManagedNetworkNotReady: provision it first", "network"),
    (
        "could not read endpoint x: 403 AuthorizationFailed The client does not have authorization",
        "authorisation",
    ),
    ("the identity may not pull: AcrPull is missing", "authorisation"),
    ("NameUnavailable: The endpoint name titanic-qa is already in use in region westeurope", "name taken"),
    ("ResourceNotFound: model titanic:2 was not found", "not found yet"),
    ("could not write traffic: 409 Conflict endpoint is in Updating state", "busy"),
    ("429 TooManyRequests", "busy"),
    ("InternalServerError: An internal error occurred", "platform"),
    ("could not list: 503 the service did not answer", "platform"),
    ("tried to create it: no answer; read timed out", "platform"),
    ("no reason was given", "unknown"),
    ("", "unknown"),
    ("version 4030 of model 500things", "unknown"),
]


@pytest.mark.parametrize(("text", "name"), SAID)
def test_what_the_platform_says_is_recognised(text: str, name: str) -> None:
    assert classify(text).name == name


def test_every_kind_is_recognised_by_something_that_was_said() -> None:
    assert {fault.name for fault in FAULTS} <= {name for _, name in SAID}


@pytest.mark.parametrize("fault", [*FAULTS, UNKNOWN], ids=lambda f: f.name)
def test_every_kind_has_a_fix_in_words_and_a_budget(fault) -> None:
    assert fault.means
    assert fault.fix.endswith(".")
    assert 1 <= deployments(fault) <= 100
    assert (deployments(fault) == 1) is (fault.remedy is Remedy.STOP)
    if patient(fault):
        assert 0.5 <= fault.tries * fault.longest / 3600 <= 48, "between half an hour and two days"


@pytest.mark.parametrize("fault", [*FAULTS, UNKNOWN], ids=lambda f: f.name)
def test_every_kind_is_in_the_operators_guide_as_it_is(fault) -> None:
    cells = (
        fault.name,
        ", ".join(f"`{code}`" for code in fault.codes),
        fault.remedy.value,
        fault.means,
        fault.fix,
    )
    row = "| " + " | ".join(cell or "–" for cell in cells) + " |"

    assert re.sub(r"\s+", " ", row) in OPERATORS
