"""infra/hooks/signin.sh, run by sh with a stand-in for az: one registration, ours, without a secret."""

from __future__ import annotations

import json

from tests.infra.az_stand_in import CLIENT
from tests.infra.conftest import OUTPUTS, Cloud

ADDRESS = "https://greenlight.example"


def test_the_registration_is_made_once_and_has_no_secret(cloud: Cloud) -> None:
    first = cloud.run("signin.sh")
    for _ in range(2):
        again = cloud.run("signin.sh", baseUrl=ADDRESS)
        assert again.returncode == 0, again.stderr

    (credential,) = cloud.state["credentials"]
    assert first.stdout == again.stdout == f"export GREENLIGHT_AUTH_CLIENT_ID='{CLIENT}'\n"
    assert "again after phase one" in first.stderr
    assert len(cloud.called("az ad app create")) == len(cloud.called("az ad sp create")) == 1
    assert credential["subject"] == OUTPUTS["identityPrincipalId"]
    assert not cloud.called("credential reset")


def test_a_half_made_registration_is_completed(cloud: Cloud) -> None:
    """The first run died before it made the service principal."""
    cloud.begin(registrations={"greenlight": [CLIENT]})

    assert cloud.run("signin.sh").returncode == 0

    assert cloud.state["service_principals"] == [CLIENT]
    assert not cloud.called("az ad app create")


def test_what_sign_in_needs_is_json_and_names_the_address(cloud: Cloud) -> None:
    cloud.run("signin.sh", baseUrl=ADDRESS)

    bodies = [json.loads(c.partition("--body ")[2]) for c in cloud.called("az rest --method PATCH")]
    registration, allowed = bodies
    (scope,) = registration["api"]["oauth2PermissionScopes"]
    assert registration["web"]["redirectUris"] == [f"{ADDRESS}/.auth/login/aad/callback"]
    assert allowed["api"]["preAuthorizedApplications"][0]["delegatedPermissionIds"] == [scope["id"]]
    assert "preAuthorizedApplications" not in registration["api"]  # Graph refuses both in one request


def test_another_ones_registration_is_not_taken_for_ours(cloud: Cloud) -> None:
    cloud.begin(registrations={"greenlight-of-others": ["someone"]})

    assert "someone" not in cloud.run("signin.sh").stdout
    assert cloud.called("az ad app create --display-name greenlight")


def test_one_of_several_is_not_guessed(cloud: Cloud) -> None:
    cloud.begin(registrations={"greenlight": ["one", "other"]})

    done = cloud.run("signin.sh")

    assert (done.returncode, done.stdout) == (1, "")
    assert "GREENLIGHT_AUTH_CLIENT_ID" in done.stderr
    assert cloud.run("signin.sh", GREENLIGHT_AUTH_CLIENT_ID="one").returncode == 0


def test_a_registration_in_use_elsewhere_is_left_as_it_is(cloud: Cloud) -> None:
    cloud.begin(registrations={"greenlight": [CLIENT]}, addresses=["https://other.example/callback"])

    done = cloud.run("signin.sh", baseUrl=ADDRESS)

    assert done.returncode != 0
    assert "https://other.example/callback" in done.stderr
    assert not cloud.called("az rest --method PATCH")


def test_an_identity_that_was_made_anew_gets_its_own_credential(cloud: Cloud) -> None:
    """A name is taken once in a registration, whoever it was for."""
    cloud.run("signin.sh", baseUrl=ADDRESS)
    first = cloud.state["credentials"]
    cloud.begin(registrations={"greenlight": [CLIENT]}, service_principals=[CLIENT])
    cloud.run("signin.sh", baseUrl=ADDRESS, identityPrincipalId="44444444-4444-4444-8444-444444444444")

    (again,) = cloud.state["credentials"]
    assert again["name"] != first[0]["name"]
