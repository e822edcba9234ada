"""The local CA: what a strict TLS client demands, and nothing beyond the local cloud's names."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from local import tls
from local.config import LocalConfig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> LocalConfig:
    config = LocalConfig(home=tmp_path)
    tls.ensure(config)
    return config


def handshake(config: LocalConfig, name: str) -> None:
    """One TLS handshake over a socket pair, the client as strict as Python 3.13's default."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(config.server_cert, config.server_key)
    client_context = ssl.create_default_context(cafile=str(config.ca_bundle))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server_context.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()  # the client refused us: its error is the one the test looks at

    server = threading.Thread(target=serve)
    server.start()
    try:
        client_context.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        server.join()


@pytest.mark.parametrize(
    "name",
    [
        "management.greenlight.test",
        "gldev.blob.core.greenlight.test",
        "glapp.table.core.greenlight.test",
        "titanic-qa.westeurope.inference.greenlight.test",
        "localhost",
        "127.0.0.1",
    ],
)
def test_every_name_of_the_local_cloud_is_trusted(config: LocalConfig, name: str) -> None:
    handshake(config, name)


def test_other_names_are_not(config: LocalConfig) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(config, "management.azure.com")


def test_a_second_start_keeps_the_certificates(config: LocalConfig) -> None:
    before = config.server_cert.read_bytes(), config.ca_bundle.read_bytes()

    tls.ensure(config)

    assert before == (config.server_cert.read_bytes(), config.ca_bundle.read_bytes())


def test_a_missing_file_is_made_anew(config: LocalConfig) -> None:
    config.server_key.unlink()

    tls.ensure(config)

    handshake(config, "localhost")


def test_the_key_of_the_ca_is_not_kept(config: LocalConfig) -> None:
    keys = [p.name for p in config.home.rglob("*") if p.is_file() and b"PRIVATE KEY" in p.read_bytes()]

    assert keys == ["server.key"]
