"""Certificates of the local cloud: a CA made on this machine and one server certificate for all its names.

The CA's private key is never written, and the CA may only speak for the local cloud's own names: whoever
finds the files can impersonate nothing else. When one is missing, old or incomplete, both are made anew.
"""

from __future__ import annotations

import datetime
import ipaddress
from typing import TYPE_CHECKING

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.config import REGION, STORAGE_SUFFIX, SUFFIX, LocalConfig

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=30)
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")
NAMES = (
    f"*.{SUFFIX}",
    *(f"*.{service}.{STORAGE_SUFFIX}" for service in ("blob", "queue", "table")),
    f"*.{REGION}.inference.{SUFFIX}",
    f"*.{REGION}-1.eventgrid.{SUFFIX}",
    "localhost",
)


def ensure(config: LocalConfig) -> None:
    """Make what is missing or about to expire, and renew the bundle when certifi's roots changed."""
    if not _usable(config):
        _make(config)
    bundle = certifi.contents() + "\n" + config.ca_cert.read_text()
    if not config.ca_bundle.exists() or config.ca_bundle.read_text() != bundle:
        config.ca_bundle.write_text(bundle)


def _usable(config: LocalConfig) -> bool:
    if not all(p.exists() for p in (config.ca_cert, config.server_cert, config.server_key)):
        return False
    server = x509.load_pem_x509_certificate(config.server_cert.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fresh = server.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + RENEW_BEFORE
    return fresh and set(NAMES) == set(names.get_values_for_type(x509.DNSName))


def _make(config: LocalConfig) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    ca = _ca(ca_key)
    server = _server(server_key, ca, ca_key)
    config.server_key.parent.mkdir(parents=True, exist_ok=True)
    config.server_key.touch(mode=0o600)
    config.server_key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    _write(config.server_cert, server, ca)
    _write(config.ca_cert, ca)


def _write(path: Path, *chain: x509.Certificate) -> None:
    path.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))


def _ca(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Greenlight local cloud CA")
    ours = [
        x509.DNSName(SUFFIX),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.IPv4Network((LOOPBACK, 32))),
    ]
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=ours, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    names = [*(x509.DNSName(n) for n in NAMES), x509.IPAddress(LOOPBACK)]
    return (
        _builder(_name("Greenlight local cloud"), ca.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
