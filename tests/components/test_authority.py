"""The server's certificate and the stack's certificate authority."""

from __future__ import annotations

import re

from settings import AlertThresholds
from settings.contradictions.alerts import RENEWED_DAYS
from tests.components.conftest import ADDRESS, Run, run_once, run_program
from tests.components.examples import DOMAIN, NAMED, ZONE
from tests.support.certificates import CERTIFICATE, KEY


def test_the_certificate_is_for_the_server_s_address_and_localhost(prod: Run) -> None:
    request = prod.one("CertRequest")
    assert request["ipAddresses"] == [ADDRESS, "127.0.0.1"]
    assert request["dnsNames"] == ["localhost"]
    assert {authority.inputs["isCaCertificate"] for authority in prod.all("SelfSignedCert")} == {True}
    assert "isCaCertificate" not in prod.one("LocallySignedCert")


def test_the_certificate_is_also_for_the_domain() -> None:
    run = run_once(NAMED, {"getZone": ZONE})
    assert run.one("CertRequest")["dnsNames"] == ["localhost", DOMAIN]


def test_the_certificate_is_renewed_before_its_alert_fires_and_the_authority_never(prod: Run) -> None:
    certificate = prod.one("LocallySignedCert")
    assert certificate["earlyRenewalHours"] == RENEWED_DAYS * 24 > AlertThresholds().certificate_days * 24
    # The longest that Apple's systems accept (support.apple.com/en-us/103769).
    assert certificate["validityPeriodHours"] <= 825 * 24
    assert "server_auth" in certificate["allowedUses"] and "cert_signing" not in certificate["allowedUses"]
    assert prod.all("SelfSignedCert")
    for authority in prod.all("SelfSignedCert"):
        assert authority.inputs["validityPeriodHours"] >= 5 * certificate["validityPeriodHours"]
        # Agents must trust a new authority first: that is what `certificateGeneration` is for.
        assert "earlyRenewalHours" not in authority.inputs
        assert "cert_signing" in authority.inputs["allowedUses"]


def test_the_next_generation_s_authority_already_exists(prod: Run) -> None:
    second = run_program({"certificateGeneration": 2})
    for run, generation in ((prod, 1), (second, 2)):
        authorities = [f"authority-ca-{generation}", f"authority-ca-{generation + 1}"]
        assert {r.name for r in run.all("SelfSignedCert")} == set(authorities)
        assert re.findall(r"the-ca-of-(\S+)", run.outputs["caCertificate"]) == authorities
        certificate = run.one("LocallySignedCert", f"authority-server-{generation}")
        assert f"hidden-key-of-{authorities[0]}\n" in certificate["caPrivateKeyPem"]
        assert f"the-ca-of-{authorities[0]}\n" in certificate["caCertPem"]


def test_a_certificate_from_the_settings_is_used_under_its_domain() -> None:
    own = {"certificate": CERTIFICATE, "privateKey": KEY}
    run = run_program({"domain": "m.example.com", "certificate": own}, secret=("certificate",))
    assert not [r for r in run.resources if r.type.startswith("tls:")]
    assert run.one("grafana")["url"] == "https://m.example.com:3000"
    assert run.one("DataSource", "influxdb")["url"] == "https://m.example.com:8086"
    assert "ca-certificate" not in {r.name for r in run.all("Parameter")}
    assert "LOCAL_NAME=m.example.com\n" in run.one("Instance")["userData"]
