"""Names that are taken: a `domain` that belongs to someone else, and a certificate that is not for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from settings import aws_names, chains
from settings.addresses import METADATA
from settings.mistakes import Contradictions
from settings.model import Settings


def of_names(settings: Settings) -> Contradictions:
    """A `domain` that belongs to someone else (with your own certificate, the server's /etc/hosts maps `domain`
    to the server itself), and a certificate that is not for that domain."""
    if settings.domain:
        agents = {f"hosts[{number}].address": host.address for number, host in enumerate(settings.hosts)}
        if _is_aws(settings.domain):
            yield "domain", "is one of AWS's own addresses, which the server must reach", "write a name of your own"
        elif found := [name for name, address in agents.items() if address == settings.domain]:
            yield (
                "domain",
                f"is the server's name, but {found[0]} gives it to another machine",
                "write a name of its own",
            )
        elif found := [name for name, host in _reached(settings) if host == settings.domain]:
            yield "domain", f"is the host in {found[0]}, which the server must reach", "write a name of its own"
    own = settings.certificate
    if own:
        key = own.private_key.get_secret_value()
        for wrong, instead in chains.mismatches(own.certificate, key, own.ca, settings.domain):
            yield "certificate", wrong, instead


def _reached(settings: Settings) -> Iterator[tuple[str, str]]:
    """The hosts that the server connects to, with the settings that name them."""
    switch = settings.dead_mans_switch
    addresses = {
        "grafanaRepository.url": settings.grafana_repository.url,
        "grafanaRepository.keyUrl": settings.grafana_repository.key_url,
        "influxdataRepository.url": settings.influxdata_repository.url,
        "influxdataRepository.keyUrl": settings.influxdata_repository.key_url,
        "influxdb.url": settings.influxdb.url if settings.influxdb else "",
        "Debian's repository": f"https://{settings.domain}" if settings.domain in DEBIAN else "",
        "deadMansSwitch.heartbeat": switch.heartbeat.get_secret_value() if switch and switch.heartbeat else "",
        "oauth.tokenUrl": settings.oauth.token_url if settings.oauth else "",
        "oauth.apiUrl": settings.oauth.api_url if settings.oauth else "",
        "publicCertificate.directory": settings.public_certificate.directory if settings.public_certificate else "",
        "smtp.host": f"smtp://{settings.smtp.host}" if settings.smtp else "",
    }
    for key, ways in settings.contact_points.every if settings.contact_points else ():
        addresses |= {
            f"{key}.webhook": ways.webhook.get_secret_value() if ways.webhook else "",
            f"{key}.slack": ways.slack.get_secret_value() if ways.slack else "",
            f"{key}.pagerduty": "https://events.pagerduty.com" if ways.pagerduty else "",
        }
    for name, address in addresses.items():
        yield name, (urlsplit(address).hostname or "").lower()


DEBIAN = ("deb.debian.org", "security.debian.org", "cdn-aws.deb.debian.org")
"""Where Debian's images for EC2 get their packages (/etc/apt/sources.list.d/debian.sources there)."""


@lru_cache(maxsize=1)
def _suffixes() -> frozenset[str]:
    """The suffixes of AWS's endpoints, in all partitions."""
    partitions = aws_names.aws_partitions()
    variants = [variant for one in partitions for variant in one["defaults"].get("variants", [])]
    return frozenset(one["dnsSuffix"] for one in (*partitions, *variants) if "dnsSuffix" in one)


_MACHINE = re.compile(r"ec2(-[0-9]{1,3}){4}\.([a-z0-9-]+\.compute|compute-1)\.amazonaws\.com")
"""An instance's public name (docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html); a bucket may be called compute,
too."""


def _is_aws(domain: str) -> bool:
    """Whether a name is one of AWS's endpoints; a machine's own public name (….compute.amazonaws.com) is not."""
    labels = domain.split(".")
    if labels[-1] == "aws" or domain in METADATA:  # Amazon's own top-level domain
        return True
    return not _MACHINE.fullmatch(domain) and any(".".join(labels[at:]) in _suffixes() for at in range(len(labels)))
