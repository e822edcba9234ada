"""The principal that App Service Authentication vouches for, and everything that merely looks like one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identity import PRINCIPAL_HEADER, principal_from_headers

TENANT = "11111111-1111-4111-8111-111111111111"
OID = "33333333-0000-4000-8000-00000000000A"
GROUP = "22222222-0000-4000-8000-00000000000B"
SHORT = {"oid": "oid", "tid": "tid", "groups": "groups", "roles": "roles", "name": "name"}
LONG = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
    "groups": "groups",
    "roles": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    "name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
}


def header(claims: list[tuple[str, Any]], **more: Any) -> dict[str, str]:
    data = {"auth_typ": "aad", "claims": [{"typ": t, "val": v} for t, v in claims], **more}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(data).encode()).decode()}


def person(names: dict[str, str] = SHORT, **more: Any) -> dict[str, str]:
    claims = [(names["oid"], OID), (names["tid"], TENANT), (names["name"], "Ana"), (names["groups"], GROUP)]
    return header([*claims, (names["roles"], "approver")], **more)


@pytest.mark.parametrize("names", [SHORT, LONG])
def test_both_forms_of_claim_names_are_understood(names):
    found = principal_from_headers(person(names), auth_enabled=True)

    assert found is not None
    assert found.id == f"{TENANT}/{OID}".lower()
    assert found.name == "Ana"
    assert found.groups == {GROUP.lower()}
    assert found.roles == {"approver"}
    assert found.groups_known


def test_nobody_is_signed_in_while_the_platform_says_that_sign_in_is_off():
    assert principal_from_headers(person(), auth_enabled=False) is None


def test_role_and_name_types_are_taken_from_the_principal():
    claims = [("oid", OID), ("tid", TENANT), ("my-name", "Ana"), ("my-role", "boss")]

    found = principal_from_headers(header(claims, name_typ="my-name", role_typ="my-role"), auth_enabled=True)

    assert found is not None
    assert (found.name, found.roles) == ("Ana", {"boss"})


@pytest.mark.parametrize(
    "hint", [("hasgroups", "true"), ("_claim_names", '{"groups":"src1"}'), ("hasgroups", "True")]
)
def test_when_there_were_too_many_groups_none_counts(hint):
    claims = [("oid", OID), ("tid", TENANT), ("groups", GROUP), hint]

    found = principal_from_headers(header(claims), auth_enabled=True)

    assert found is not None
    assert found.groups == frozenset()
    assert not found.groups_known


def test_only_the_expected_tenant_is_accepted():
    assert principal_from_headers(person(), auth_enabled=True, tenant=TENANT.upper())
    assert principal_from_headers(person(), auth_enabled=True, tenant=OID) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {PRINCIPAL_HEADER: ""},
        {PRINCIPAL_HEADER: "not base64!"},
        {PRINCIPAL_HEADER: base64.b64encode(b"not json").decode()},
        {PRINCIPAL_HEADER: base64.b64encode(b"[]").decode()},
        {PRINCIPAL_HEADER: base64.b64encode(b"[" * 40000).decode()},
        {"x-ms-client-principal-id": OID, "x-ms-client-principal-name": "ana"},
        header([("oid", OID), ("tid", TENANT)], auth_typ="google"),
        header([("oid", OID), ("tid", TENANT)], auth_typ=None),
        header([("oid", OID)]),
        header([("tid", TENANT)]),
        header([("oid", "not-a-guid"), ("tid", TENANT)]),
        header([("oid", OID), ("oid", TENANT), ("tid", TENANT)]),
        header([("oid", OID), (LONG["oid"], TENANT), ("tid", TENANT)]),
        header([("oid", 7), ("tid", TENANT)]),
        header([("name", OID), ("tid", TENANT)]),
    ],
)
def test_what_does_not_identify_exactly_one_person_identifies_nobody(headers):
    assert principal_from_headers(headers, auth_enabled=True) is None


def test_claims_of_a_strange_shape_are_left_out():
    data = {
        "auth_typ": "aad",
        "claims": [None, 3, {"typ": "oid"}, {"typ": "oid", "val": OID}, {"typ": "tid", "val": TENANT}],
    }
    headers = {PRINCIPAL_HEADER: base64.b64encode(json.dumps(data).encode()).decode()}

    found = principal_from_headers(headers, auth_enabled=True)

    assert found is not None
    assert found.id == f"{TENANT}/{OID}".lower()


def test_the_same_id_in_both_forms_is_one_person():
    found = principal_from_headers(
        header([("oid", OID), (LONG["oid"], OID.lower()), ("tid", TENANT)]), auth_enabled=True
    )

    assert found is not None


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw):
    headers = {PRINCIPAL_HEADER: base64.b64encode(raw).decode()}

    assert principal_from_headers(headers, auth_enabled=True) is None
