"""`greenlight channel`: keys and messages, without a server."""

from __future__ import annotations

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from orchestrator.channel_policy import ChannelPolicy
from orchestrator.cli import main
from orchestrator.messages import proven
from shared.channel_tokens import fingerprint, new_key, public_key, sign_vote
from shared.errors import Invalid

VOTER = "11111111-1111-4111-8111-111111111111/33333333-0000-4000-8000-000000000002"
SIGN = {
    "--promotion": "titanic.qa.3.7", "--request": "1", "--hash": "ab" * 32, "--voter": VOTER,
    "--decision": "approve", "--comment": "fine",
}  # fmt: skip


def run(*words: object) -> int:
    return main(["channel", *map(str, words)], {})


def sign(key: Path, **changes: str) -> int:
    given = SIGN | {f"--{name}": text for name, text in changes.items()}
    return run("sign", "--key", key, *(word for pair in given.items() for word in pair))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "servicenow.pem"
    path.write_text(new_key())
    return path


def test_new_keeps_the_private_key_for_its_owner_and_prints_what_belongs_into_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("new", "servicenow") == 0

    private = (tmp_path / "servicenow.pem").read_text()
    out = capsys.readouterr().out
    (channel,) = yaml.safe_load(out)["channels"]
    assert stat.S_IMODE((tmp_path / "servicenow.pem").stat().st_mode) == 0o600
    assert (channel["name"], channel["public_keys"]) == ("servicenow", [public_key(private)])
    assert fingerprint(public_key(private)) in out
    assert private.splitlines()[1] not in out


def test_new_tells_a_program_where_the_key_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chat.key"

    assert run("new", "chat", "--out", out, "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["private_key"]) == ("chat", str(out))
    assert told["public_key"] == public_key(out.read_text())


def test_new_never_overwrites_a_key(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = key.read_text()

    assert run("new", "servicenow", "--out", key) == 1

    assert key.read_text() == before
    assert "give another --out" in capsys.readouterr().err


def test_new_makes_no_key_for_a_name_that_the_policy_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert [run("new", name) for name in ("Page", "page", "../x")] == [1, 1, 1]
    assert list(tmp_path.iterdir()) == []


def test_sign_prints_a_message_that_counts(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign(key) == 0

    text = capsys.readouterr().out.strip()
    now = datetime.now(UTC)
    channel = ChannelPolicy.model_validate(
        {
            "name": "servicenow",
            "public_keys": [public_key(key.read_text())],
            "voters": [{"name": "Ana", "id": VOTER}],
        }
    )
    vote = proven(text, [channel], came=now, now=now, parking_key=b"")
    assert (vote.claims.promotion, vote.claims.number) == ("titanic.qa.3.7", 1)
    assert (vote.claims.decision, vote.claims.comment, vote.voter.name) == ("approve", "fine", "Ana")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hash": "ab"}, "hash"),
        ({"voter": "Ana"}, "write TENANT/OBJECT-ID"),
        ({"promotion": "nonsense"}, "is not a promotion id"),
        ({"request": "0"}, "number"),
        ({"comment": "x" * 2001}, "at most 2000 characters"),
        ({"id": "short"}, "jti"),
        ({"channel": "page"}, "channel name"),
    ],
)
def test_what_nobody_would_count_is_not_signed(
    key: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    assert sign(key, **changes) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err


@pytest.mark.parametrize(
    "content", ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
)
def test_a_key_file_that_holds_no_ed25519_key_is_refused(
    key: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    key.write_text(content)

    assert sign(key) == 1
    assert "private key" in capsys.readouterr().err


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives import serialization as how
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()
    )

    with pytest.raises(Invalid, match="not an Ed25519 key"):
        public_key(pem.decode())


def test_check_says_what_greenlight_would_say(
    key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sign(key)
    file = tmp_path / "message.json"
    file.write_text(capsys.readouterr().out)
    public = public_key(key.read_text())

    assert run("check", file, "--public-key", public) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["iss"], told["sub"], told["key"]) == ("servicenow", VOTER, fingerprint(public))

    assert run("check", file, "--public-key", public_key(new_key())) == 2
    assert capsys.readouterr().out.startswith("refused: signature: ")

    file.write_text("hello")
    assert run("check", file, "--public-key", public) == 2
    assert capsys.readouterr().out.startswith("refused: unreadable: ")
    assert run("check", file, "--public-key", "hello") == 1


def test_check_tells_an_old_message(key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "message.json"
    file.write_text(
        sign_vote(
            key.read_text(), channel="servicenow", promotion="titanic.qa.3.7", number=1, hash="ab" * 32,
            voter=VOTER, decision="approve", now=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )  # fmt: skip

    assert run("check", file, "--public-key", public_key(key.read_text())) == 2
    assert re.match("refused: too_old: ", capsys.readouterr().out)


def test_wrong_usage_is_said_by_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert [run(), run("sign"), run("new"), run("--help")] == [1, 1, 1, 0]
    assert "greenlight channel" in capsys.readouterr().out
