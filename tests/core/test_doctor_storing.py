"""What doctor finds in storage and on the way of the copies."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.doctor import storing
from orchestrator.doctor.finding import Code, Names
from orchestrator.doctor.storing import FrozenSeen, Kind, SourceSeen, StateSeen
from orchestrator.doctor.tried import WELL, Fault, Tried
from shared.errors import Conflict, Forbidden, GreenlightError, NotFound, Refused, Unavailable

GONE, NO, DOWN = Tried(Fault.MISSING, "404"), Tried(Fault.FORBIDDEN, "403"), Tried(Fault.OTHER, "503")
MISSING = {
    Kind.TABLE: Code.TABLE_MISSING,
    Kind.QUEUE: Code.QUEUE_MISSING,
    Kind.CONTAINER: Code.CONTAINER_MISSING,
}


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (NotFound("x"), Fault.MISSING),
        (Forbidden("x"), Fault.FORBIDDEN),
        (Conflict("x"), None),
        (Unavailable("x"), Fault.OTHER),
        (Refused("x"), Fault.OTHER),
    ],
)
def test_how_a_call_went(error: GreenlightError, fault: Fault | None) -> None:
    assert Tried.failed(error).fault is fault


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("as_app", [True, False])
def test_what_is_missing_forbidden_or_not_known(kind: Kind, as_app: bool) -> None:
    def codes(read: Tried, write: Tried = WELL) -> list[Code]:
        seen = StateSeen(kind=kind, name="it", account="glstate", read=read, write=write, as_app=as_app)
        return [f.code for f in storing.judge_state(seen, Names())]

    forbidden = Code.STATE_FORBIDDEN if as_app else Code.NOT_KNOWN
    assert codes(WELL) == []
    assert codes(GONE) == [MISSING[kind]]
    assert codes(NO) == [forbidden]
    assert codes(WELL, NO) == [forbidden]
    assert codes(DOWN) == codes(WELL, DOWN) == [Code.NOT_KNOWN]


def test_what_is_missing_is_made_by_the_command() -> None:
    seen = StateSeen(kind=Kind.QUEUE, name="wakes-poison", account="glstate", read=GONE)
    (finding,) = storing.judge_state(seen, Names())

    assert (
        finding.mend == "az storage queue create --account-name glstate --name wakes-poison --auth-mode login"
    )


def test_the_role_that_lets_it_write_is_named() -> None:
    seen = StateSeen(kind=Kind.TABLE, name="slots", account="glstate", read=WELL, write=NO)
    (finding,) = storing.judge_state(seen, Names(principal="oid"))

    assert "may not be written" in finding.wrong
    assert "--assignee-object-id oid" in finding.mend
    assert "--role 'Storage Table Data Contributor'" in finding.mend


@pytest.mark.parametrize("as_app", [True, False])
def test_the_source_is_read_and_signed_for(as_app: bool) -> None:
    def codes(read: Tried, sign: Tried) -> list[Code]:
        seen = SourceSeen(
            env="dev", account="a", container="c", account_id="/a", read=read, sign=sign, as_app=as_app
        )
        return [f.code for f in storing.judge_source(seen, Names())]

    assert codes(WELL, WELL) == []
    assert codes(GONE, WELL) == [Code.SOURCE_UNREADABLE]
    assert codes(NO, NO) == (
        [Code.SOURCE_UNREADABLE, Code.SOURCE_UNSIGNED] if as_app else [Code.NOT_KNOWN, Code.NOT_KNOWN]
    )
    assert codes(DOWN, WELL) == [Code.NOT_KNOWN]


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({}, []),
        ({"datastore": GONE}, [Code.FROZEN_DATASTORE]),
        ({"datastore": DOWN}, [Code.NOT_KNOWN]),
        ({"container": "other"}, [Code.FROZEN_DATASTORE]),
        ({"account": "other"}, [Code.FROZEN_DATASTORE]),
        ({"read": GONE}, [Code.FROZEN_CONTAINER]),
        ({"read": NO}, [Code.FROZEN_UNWRITABLE]),
        ({"write": NO}, [Code.FROZEN_UNWRITABLE]),
        ({"write": NO, "as_app": False}, [Code.NOT_KNOWN]),
        ({"write": DOWN}, [Code.NOT_KNOWN]),
    ],
)
def test_where_frozen_copies_go(changed: dict[str, Any], codes: list[Code]) -> None:
    given: dict[str, Any] = {
        "env": "qa",
        "workspace": "/w",
        "datastore": WELL,
        "account": "glqa",
        "container": "greenlight-frozen",
        "default_account": "glqa",
    }

    assert [f.code for f in storing.judge_frozen(FrozenSeen(**given | changed), Names())] == codes
