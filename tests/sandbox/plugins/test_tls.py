"""The tls plugin, used through the engine's protocol. OpenSSL and OpenSSH check its results."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from sandbox.plugins.tls.provider import TlsProvider
from sandbox.plugins.wire import Secret

KEY = "tls:index/privateKey:PrivateKey"
SELF = "tls:index/selfSignedCert:SelfSignedCert"
REQUEST = "tls:index/certRequest:CertRequest"
LOCAL = "tls:index/locallySignedCert:LocallySignedCert"
SUBJECT = {"commonName": "monitoring", "organization": "Example"}


@pytest.fixture
def plugin(serve: Any) -> Any:
    return serve(TlsProvider())


def make(plugin: Any, token: str, **inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(checked inputs, state)."""
    checked, failures = plugin.check(token, inputs)
    assert not failures
    return checked, plugin.create(token, checked)[1]


def key(plugin: Any, **inputs: Any) -> str:
    _, state = make(plugin, KEY, **({"algorithm": "ECDSA", "ecdsaCurve": "P256"} | inputs))
    text: str = state["privateKeyPem"].value
    return text


def openssl(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def authority(plugin: Any) -> tuple[str, str]:
    """(certificate, key) of a CA."""
    pem = key(plugin)
    _, state = make(
        plugin,
        SELF,
        privateKeyPem=pem,
        subject=SUBJECT,
        isCaCertificate=True,
        validityPeriodHours=1000,
        allowedUses=["cert_signing", "crl_signing"],
    )
    return state["certPem"], pem


def request(plugin: Any, **names: Any) -> str:
    _, state = make(plugin, REQUEST, privateKeyPem=key(plugin), subject={"commonName": "server"}, **names)
    text: str = state["certRequestPem"]
    return text


def signed(plugin: Any, authority: tuple[str, str], **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    inputs = {
        "caCertPem": authority[0],
        "caPrivateKeyPem": authority[1],
        "certRequestPem": request(plugin, dnsNames=["localhost"], ipAddresses=["198.18.1.10"]),
        "validityPeriodHours": 100,
        "allowedUses": ["digital_signature", "key_encipherment", "server_auth"],
    }
    return make(plugin, LOCAL, **inputs | more)


@pytest.mark.parametrize(
    ("inputs", "first_line"),
    [
        ({"algorithm": "RSA", "rsaBits": 2048}, "-----BEGIN RSA PRIVATE KEY-----"),
        ({"algorithm": "ECDSA", "ecdsaCurve": "P384"}, "-----BEGIN EC PRIVATE KEY-----"),
        ({"algorithm": "ED25519"}, "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_openssh_accepts_the_keys(plugin: Any, tmp_path: Path, inputs: dict[str, Any], first_line: str) -> None:
    _, state = make(plugin, KEY, **inputs)
    assert {name for name, value in state.items() if isinstance(value, Secret)} == {
        "privateKeyOpenssh",
        "privateKeyPem",
        "privateKeyPemPkcs8",
    }
    assert state["privateKeyPem"].value.startswith(first_line)
    file = tmp_path / "key"
    file.write_text(state["privateKeyOpenssh"].value)
    file.chmod(0o600)
    derived = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True)
    assert derived.stdout.split()[:2] == state["publicKeyOpenssh"].split()[:2]
    for kind in ("md5", "sha256"):
        shown = subprocess.run(["ssh-keygen", "-l", "-E", kind, "-f", file], capture_output=True, text=True, check=True)
        name = f"publicKeyFingerprint{kind.capitalize()}"
        assert shown.stdout.split()[1].removeprefix("MD5:") == state[name]


def test_curve_p224_has_no_openssh_form(plugin: Any) -> None:
    _, state = make(plugin, KEY, algorithm="ECDSA")
    assert state["publicKeyOpenssh"] == ""
    assert state["privateKeyPem"].value


def test_openssl_verifies_the_chain(plugin: Any, authority: tuple[str, str], tmp_path: Path) -> None:
    _, state = signed(plugin, authority, setSubjectKeyId=True)
    (tmp_path / "ca.pem").write_text(authority[0])
    (tmp_path / "server.pem").write_text(state["certPem"])
    checks = ("-purpose", "sslserver", "-verify_ip", "198.18.1.10", "-x509_strict")
    verdict = openssl("verify", "-CAfile", str(tmp_path / "ca.pem"), *checks, str(tmp_path / "server.pem"))
    assert verdict.strip().endswith("server.pem: OK")
    text = openssl("x509", "-noout", "-text", stdin=state["certPem"])
    assert "DNS:localhost, IP Address:198.18.1.10" in text
    assert "CA:FALSE" in text
    assert "Digital Signature, Key Encipherment" in text
    assert "CN = server" in text
    assert state["caKeyAlgorithm"] == "ECDSA"


def test_keys_stay_secret(plugin: Any, authority: tuple[str, str]) -> None:
    inputs, state = signed(plugin, authority)
    for properties in (inputs, state):
        assert isinstance(properties["caPrivateKeyPem"], Secret)
    assert not isinstance(state["certPem"], Secret)


def test_a_certificate_stays_before_its_renewal(plugin: Any, authority: tuple[str, str]) -> None:
    inputs, state = signed(plugin, authority, earlyRenewalHours=10)
    assert state["readyForRenewal"] is False
    assert not plugin.diff(LOCAL, state, inputs, inputs).diffs
    assert plugin.read(LOCAL, "1", state, inputs) == ("1", state, inputs)


def test_a_certificate_due_for_renewal_is_replaced(plugin: Any, authority: tuple[str, str]) -> None:
    inputs, state = signed(plugin, authority, earlyRenewalHours=10)
    old = state | {"validityEndTime": (datetime.now(UTC) + timedelta(hours=9)).isoformat()}
    difference = plugin.diff(LOCAL, old, inputs, inputs)
    assert list(difference.replaces) == ["readyForRenewal"]
    _, refreshed, _ = plugin.read(LOCAL, "1", old, inputs)
    assert refreshed["readyForRenewal"] is True
    assert list(plugin.diff(LOCAL, refreshed, inputs, inputs).replaces) == ["readyForRenewal"]


def test_changing_the_renewal_window_is_an_update(plugin: Any, authority: tuple[str, str]) -> None:
    inputs, state = signed(plugin, authority)
    new, _ = plugin.check(LOCAL, inputs | {"earlyRenewalHours": 5}, inputs)
    difference = plugin.diff(LOCAL, state, inputs, new)
    assert (list(difference.diffs), list(difference.replaces)) == (["earlyRenewalHours"], [])
    after = plugin.update(LOCAL, "1", state, inputs, new)
    assert (after["certPem"], after["earlyRenewalHours"]) == (state["certPem"], 5)


def test_changing_the_subject_replaces_the_certificate(plugin: Any) -> None:
    inputs, state = make(
        plugin, SELF, privateKeyPem=key(plugin), validityPeriodHours=1, allowedUses=[], subject=SUBJECT
    )
    new, _ = plugin.check(SELF, inputs | {"subject": {"commonName": "other"}}, inputs)
    assert list(plugin.diff(SELF, state, inputs, new).replaces) == ["subject"]


@pytest.mark.parametrize(
    ("token", "inputs", "at"),
    [
        (KEY, {"algorithm": "DSA"}, "algorithm"),
        (KEY, {"algorithm": "RSA", "rsaBits": 512}, "rsaBits"),
        (SELF, {"privateKeyPem": "x", "validityPeriodHours": 1, "allowedUses": ["party"]}, "allowedUses[0]"),
        (SELF, {"privateKeyPem": "x", "validityPeriodHours": -1, "allowedUses": []}, "validityPeriodHours"),
        (REQUEST, {"privateKeyPem": "x", "subject": {"name": "me"}}, "subject.name"),
        (REQUEST, {}, "privateKeyPem"),
    ],
)
def test_mistakes_are_refused(plugin: Any, token: str, inputs: dict[str, Any], at: str) -> None:
    _, failures = plugin.check(token, inputs)
    assert at in failures


def test_failures_say_what_is_wrong(plugin: Any, authority: tuple[str, str]) -> None:
    with pytest.raises(grpc.RpcError, match="does not belong to the CA certificate"):
        signed(plugin, (authority[0], key(plugin)))
    with pytest.raises(grpc.RpcError, match="Failed to parse certificate request PEM"):
        signed(plugin, authority, certRequestPem="nonsense")
    with pytest.raises(grpc.RpcError, match="Invalid IP address: Failed to parse 'home'"):
        request(plugin, ipAddresses=["home"])
