"""The setting `publicCertificate`: what is accepted, and that each mistake is reported with its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from settings import load
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.configuration import DIRECTORY, REQUIRED, mistakes, raw

NAMED: dict[str, Any] = {"domain": "monitoring.example.com", "route53Zone": "example.com"}
HERE: dict[str, Any] = NAMED | {"publicCertificate": {"directory": DIRECTORY}}


def test_off_by_default() -> None:
    assert load(REQUIRED).public_certificate is None


def test_the_authority_s_directory_is_enough() -> None:
    found = load(raw(**HERE)).public_certificate
    assert found is not None
    assert (found.directory, found.email, found.ca) == (DIRECTORY, None, None)


def test_a_private_authority_and_an_email_address_are_accepted() -> None:
    given = {"directory": "https://ca.example.com/acme/acme/directory", "email": "ops@Example.com", "ca": CERTIFICATE}
    found = load(raw(**NAMED, publicCertificate=given)).public_certificate
    assert found is not None
    assert (found.email, found.ca) == ("ops@example.com", CERTIFICATE)


@pytest.mark.parametrize(
    ("given", "key", "wrong", "instead"),
    [
        ({}, "directory", "is missing", "add it"),
        ({"directory": "http://ca.example.com/directory"}, "directory", "is not encrypted", "write https://"),
        ({"directory": "https://ca.example.com:9000/d"}, "directory", "has a port that the server", "without a port"),
        ({"directory": "letsencrypt"}, "directory", "is not a URL", "https://"),
        ({"directory": DIRECTORY, "email": "ops"}, "email", "is not an email address", "ops@example.com"),
        ({"directory": DIRECTORY, "ca": "ca.pem"}, "ca", "is not PEM text", "paste the whole file"),
        ({"directory": DIRECTORY, "mail": "a@b.cc"}, "mail", "is not a setting", "did you mean email?"),
    ],
)
def test_a_wrong_value_is_reported_with_its_remedy(given: dict[str, Any], key: str, wrong: str, instead: str) -> None:
    (line,) = mistakes(raw(**NAMED, publicCertificate=given | ({"email": "a@b.cc"} if not given else {})))
    assert line.startswith(f"monitoring:publicCertificate.{key}")
    assert wrong in line
    assert instead in line


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"route53Zone": ""}, {"route53Zone": "is required with publicCertificate: a record in it proves"}),
        (
            {"domain": "", "route53Zone": ""},
            {"domain": "is required with publicCertificate", "route53Zone": "is required with publicCertificate"},
        ),
        ({"domain": ""}, {"domain": "is required with route53Zone"}),
        ({"domain": "m.example.org"}, {"route53Zone": "does not contain domain"}),
        (
            {"certificate": {"certificate": CERTIFICATE, "privateKey": KEY}, "domain": "m.example.com"},
            {"publicCertificate": "cannot be combined with certificate, which is for domain, too; leave one out"},
        ),
        (
            {"publicCertificate": {"directory": "https://monitoring.example.com/directory"}},
            {"domain": "is the host in publicCertificate.directory, which the server must reach"},
        ),
    ],
    ids=",".join,
)
def test_contradictory_settings_are_refused(changes: dict[str, Any], expected: dict[str, str]) -> None:
    given = {key: value for key, value in (HERE | changes).items() if value != ""}
    found = mistakes(raw(**given), ("monitoring:certificate",))
    assert len(found) == len(expected), found
    for key, wrong in expected.items():
        assert [line for line in found if line.startswith(f"monitoring:{key}") and wrong in line], found


def test_a_server_without_a_public_address_can_have_one() -> None:
    """A DNS record proves the name; the authority does not connect to the server."""
    given = load(raw(**HERE, publicAddress=False, subnetId="subnet-0123456789abcdef0"))
    assert given.public_certificate is not None


def test_each_range_counts_as_a_rule_for_both_ports() -> None:
    many = [f"10.{n}.0.0/16" for n in range(31)]
    (line,) = mistakes(raw(**HERE, operatorCidrs=many, agentCidrs=["10.0.0.0/8"]))
    assert (
        "makes 63 rules together with agentCidrs and sshCidrs, with publicCertificate two per range of operatorCidrs"
        in line
    )
    load(raw(operatorCidrs=many, agentCidrs=["10.0.0.0/8"]))
