"""The scripts of infra/hooks, run by sh with a stand-in for az: twice is once, what is there is used."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.infra.conftest import DEV, HOOKS, OUTPUTS, PLACE, QA, TOPIC, Cloud


@pytest.mark.parametrize("script", sorted({p.name for p in HOOKS.glob("*.sh")} - {"signin.sh"}))
def test_a_script_says_what_it_misses(cloud: Cloud, script: str) -> None:
    bare = {k: v for k, v in cloud.env.items() if k in ("PATH", "PYTHONPATH", "GREENLIGHT_AZ_STATE")}
    cloud.env = bare

    done = cloud.run(script)

    assert done.returncode != 0
    assert any(w in done.stderr for w in ("output of main.bicep", "resource group", "vault", "package"))
    assert cloud.state["calls"] == []


# ---- before


def test_storage_accounts_are_looked_up_and_remembered(cloud: Cloud) -> None:
    done = cloud.run("before.sh", AZURE_ENV_NAME="try")

    assert done.returncode == 0
    assert cloud.called("azd env set GREENLIGHT_DEV_STORAGE", f"{PLACE}/dev")
    assert cloud.called("azd env set GREENLIGHT_QA_STORAGE", f"{PLACE}/qa")
    assert cloud.called("az group create --name rg-greenlight")
    assert done.stdout.splitlines() == [
        f"export GREENLIGHT_DEV_STORAGE='{PLACE}/dev'",
        f"export GREENLIGHT_QA_STORAGE='{PLACE}/qa'",
    ]


def test_a_workspace_with_a_typo_is_named(cloud: Cloud) -> None:
    done = cloud.run("before.sh", GREENLIGHT_QA_WORKSPACE=f"{QA}x")

    assert done.returncode != 0
    assert f"{QA}x" in done.stderr


# ---- secrets


def test_keys_are_made_once(cloud: Cloud) -> None:
    assert cloud.run("secrets.sh").returncode == 0
    first = cloud.state["secrets"]
    assert cloud.run("secrets.sh").returncode == 0

    assert cloud.state["secrets"] == first
    assert set(first) == {"link-keys", "journal-key"}
    assert len(set(first.values())) == 2
    assert all(len(value) >= 64 and "," not in value for value in first.values())


def test_no_key_is_shown(cloud: Cloud) -> None:
    done = cloud.run("secrets.sh")

    told = done.stdout + done.stderr + " ".join(cloud.state["calls"])
    assert [value for value in cloud.state["secrets"].values() if value in told] == []


def test_the_app_reads_anew_what_was_made_and_is_left_alone_where_nothing_was(cloud: Cloud) -> None:
    for _ in range(2):
        assert cloud.run("secrets.sh").returncode == 0

    assert len(cloud.called("az rest --method POST", "/config/configreferences/appsettings/refresh?")) == 1
    assert len(cloud.called("az functionapp restart --resource-group rg-greenlight", "greenlight-app")) == 1


def test_the_app_is_started_anew_only_when_its_role_is_believed(cloud: Cloud) -> None:
    cloud.begin(believed_after=2)

    assert cloud.run("secrets.sh").returncode == 0
    assert len(cloud.called("/refresh?")) == 3
    assert len(cloud.called("az functionapp restart")) == 1


def test_a_role_that_is_never_believed_is_said_and_keeps_nothing_else(cloud: Cloud) -> None:
    cloud.begin(believed_after=99)

    alone = cloud.run("reread.sh", GREENLIGHT_PATIENCE="3")
    done = cloud.run("secrets.sh", GREENLIGHT_PATIENCE="3")

    assert alone.returncode != 0
    assert "link-keys\tAccessToKeyVaultDenied" in alone.stderr
    assert done.returncode == 0
    assert "reread.sh again" in done.stderr
    assert not cloud.called("az functionapp restart")


def test_the_teams_address_comes_from_a_file_or_is_asked_for(cloud: Cloud, tmp_path: Path) -> None:
    address = tmp_path / "address.txt"
    address.write_text("https://teams.example/workflow?sig=x\n")
    cloud.begin(needs=["teams-webhook"])

    asked = cloud.run("secrets.sh", GREENLIGHT_TEAMS="yes")
    told = cloud.run("reread.sh")
    given = cloud.run("secrets.sh", GREENLIGHT_TEAMS="yes", GREENLIGHT_TEAMS_FILE=str(address))

    assert (asked.returncode, told.returncode, given.returncode) == (0, 0, 0)
    assert "--name teams-webhook --file FILE" in asked.stderr
    assert "not in the vault: teams-webhook" in told.stderr
    assert cloud.state["secrets"]["teams-webhook"] == "https://teams.example/workflow?sig=x"


# ---- events


def test_a_topic_is_made_where_there_is_none(cloud: Cloud) -> None:
    done = cloud.run("events.sh")

    (call,) = cloud.called("az deployment group create", "infra/events.bicep")
    assert done.returncode == 0
    assert "systemTopic= " in call
    assert f"workspace={DEV}" in call
    assert "workspaceLocation=northeurope" in call


def test_the_topic_that_is_there_is_used_however_its_source_is_written(cloud: Cloud) -> None:
    resources = {**cloud.state["resources"], TOPIC.lower(): {"identity.type": "SystemAssigned, UserAssigned"}}
    cloud.begin(topics={DEV.upper(): {"id": TOPIC}}, resources=resources)

    assert cloud.run("events.sh").returncode == 0
    assert cloud.called(f"systemTopic={TOPIC}")


def test_a_topic_without_identity_is_not_changed_but_named(cloud: Cloud) -> None:
    resources = {**cloud.state["resources"], TOPIC.lower(): {"identity.type": ""}}
    cloud.begin(topics={DEV: {"id": TOPIC}}, resources=resources)

    done = cloud.run("events.sh")

    assert done.returncode != 0
    assert f"--ids {TOPIC} --identity systemassigned" in done.stderr
    assert not cloud.called("az deployment")


def test_the_function_is_waited_for(cloud: Cloud) -> None:
    cloud.begin(published_after=3)

    assert cloud.run("events.sh").returncode == 0
    assert len(cloud.called("az functionapp function show")) == 4


def test_a_function_that_never_comes_is_said(cloud: Cloud) -> None:
    cloud.begin(published_after=99)

    done = cloud.run("events.sh", GREENLIGHT_PATIENCE="3")

    assert done.returncode != 0
    assert "was the code published?" in done.stderr
    assert not cloud.called("az deployment")


# ---- teardown


def test_rights_go_before_the_identity_does(cloud: Cloud) -> None:
    cloud.begin(topics={DEV: {"id": TOPIC}}, assignments=["/a/1", "/a/2"])

    assert cloud.run("teardown.sh").returncode == 0

    calls = cloud.state["calls"]
    assert cloud.state["assignments"] == []
    assert cloud.called(f"az resource delete --ids {TOPIC}/eventSubscriptions/greenlight")
    assert calls[-1].startswith("az group delete --name rg-greenlight")


def test_the_policy_of_the_anchors_goes_before_their_account(cloud: Cloud) -> None:
    assert cloud.run("teardown.sh").returncode == 0

    show, *_ = cloud.called("immutability-policy show")
    (delete,) = cloud.called("immutability-policy delete")
    calls = cloud.state["calls"]
    assert cloud.state["policy"] == ""
    assert "--account-name glstate --container-name anchors" in show
    assert calls.index(delete) < next(n for n, call in enumerate(calls) if call.startswith("az group delete"))


def test_a_locked_policy_is_told_and_left(cloud: Cloud) -> None:
    cloud.begin(policy="Locked")

    done = cloud.run("teardown.sh")

    assert "the anchors are locked" in done.stderr
    assert not cloud.called("immutability-policy delete")
    assert cloud.called("az group delete")


def test_what_is_gone_already_is_not_taken_away_again(cloud: Cloud) -> None:
    for _ in range(2):
        assert cloud.run("teardown.sh").returncode == 0

    assert len(cloud.called("az group delete")) == 1


# ---- settings


def test_the_apps_settings_reach_a_shell_with_their_secrets(cloud: Cloud) -> None:
    quote = "it's 'quoted' $HOME `x`"
    reference = "@Microsoft.KeyVault(SecretUri=https://gl.vault.azure.net/secrets/link-keys)"
    given = {"GREENLIGHT_TENANT": quote, "GREENLIGHT_LINK_KEYS": reference, "GREENLIGHT_TEAMS_WEBHOOK": ""}
    cloud.begin(settings=given, secrets={"link-keys": "first,second"})

    done = cloud.run("settings.sh", **OUTPUTS)

    assert done.returncode == 0, done.stderr
    shown = '"$GREENLIGHT_TENANT" "$GREENLIGHT_LINK_KEYS" "$GREENLIGHT_TEAMS_WEBHOOK"'
    program = f'eval "$1"; printf "%s|%s|%s" {shown}'
    said = subprocess.run(
        ["sh", "-c", program, "sh", done.stdout], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"{quote}|first,second|"


def test_a_secret_that_cannot_be_read_ends_it(cloud: Cloud) -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://gl.vault.azure.net/secrets/absent)"
    cloud.begin(settings={"GREENLIGHT_LINK_KEYS": reference})

    done = cloud.run("settings.sh", **OUTPUTS)

    assert done.returncode != 0
    assert "GREENLIGHT_LINK_KEYS" not in done.stdout
