"""Who receives alerts, and at which values."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr

from settings import values as v
from settings.addresses import NAME, machine
from settings.mail import Addresses
from settings.mistakes import WrongValueError
from settings.part import Part

LONGEST_HOOK = 2048
"""Characters: accepted by browsers and servers everywhere, and far more than Slack and others use."""


def _hook(value: Any) -> str:
    """A webhook's address: https on the default port, which is the only one the server may reach
    (components/network.py); RFC 3986 says which characters it has, and Grafana passes it to Go's net/url unchanged."""
    address = v.text(value)
    if len(address) > LONGEST_HOOK:
        raise WrongValueError("is too long for a URL", f"write at most {LONGEST_HOOK} characters")
    try:
        parts = urlsplit(address)
    except ValueError:  # whose text repeats the address
        raise WrongValueError("is not a URL", "write a full URL such as https://hooks.example.com/x") from None
    if parts.scheme == "http":
        raise WrongValueError("is not encrypted", "write its address with https://")
    if parts.scheme != "https" or not re.fullmatch(rf"{NAME}(:[0-9]{{1,5}})?", parts.netloc.rpartition("@")[2]):
        raise WrongValueError("is not a URL", "write a full URL such as https://hooks.example.com/x")
    if "@" in parts.netloc:
        raise WrongValueError("contains credentials", "write the token as webhookToken")
    if parts.netloc.rpartition(":")[2] not in ("443", parts.netloc):
        raise WrongValueError("has a port that the server may not reach", "use the address without a port (443)")
    if parts.fragment or re.search(r"\s", address):
        raise WrongValueError("has a fragment or whitespace", "write it without them")
    if not re.fullmatch(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+", address) or re.search(r"%(?![0-9A-Fa-f]{2})", address):
        raise WrongValueError("has characters that a URL cannot have", "escape them (%20)")
    machine(parts.hostname)
    return address


def _slack(value: Any) -> str:
    """docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; GovSlack: docs.slack.dev/govslack."""
    if not re.match(r"https://hooks\.slack(-gov)?\.com/[a-z]+/[^/?].*", _hook(value)):
        raise WrongValueError(
            "is not a Slack incoming webhook", "write the URL that Slack shows: https://hooks.slack.com/services/…"
        )
    return str(value)


def _number(low: float, high: float, unit: str) -> BeforeValidator:
    """A validator of numbers from low to high, both included."""

    def check(value: Any) -> float:
        written = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", written):
            raise WrongValueError("is not a number", f"write a number of {unit}")
        if not low <= float(written) <= high:
            raise WrongValueError("is out of range", f"write {low:g} to {high:g} ({unit})")
        return float(written)

    return BeforeValidator(check)


def _evaluation(value: Any) -> str:
    """Grafana evaluates in steps of ten seconds (pkg/setting/setting_unified_alerting.go, SchedulerBaseInterval)."""
    if isinstance(value, str) and re.fullmatch(r"([0-9]+[smh])+", value) and v.seconds(value) % 10:
        raise WrongValueError("is not a multiple of 10s", "write 10s, 30s or 1m")
    return str(value)


def _token(value: Any) -> str:
    """The token of a header `Authorization: Bearer …`: visible ASCII, as some services use more of it than RFC 6750,
    2.1 allows."""
    if not re.fullmatch(r"[!-~]+", v.password(value)):
        raise WrongValueError(
            "has characters that no bearer token has", "write only the token, without Bearer and without spaces"
        )
    return str(value)


class Ways(Part):
    """The ways to reach people; each may be left out.

    The addresses of webhooks are secrets too: anyone who knows one can post there. Email needs the setting `smtp`.
    """

    email: Addresses | None = None
    slack: Annotated[SecretStr | None, BeforeValidator(_slack)] = None
    # support.pagerduty.com/main/docs/services-and-integrations: an integration key has 32 letters and digits.
    pagerduty: Annotated[
        SecretStr | None,
        v.matching(r"[A-Za-z0-9]{32}", "is not an integration key", "write the 32 characters of an Events API v2 key"),
    ] = None
    webhook: Annotated[SecretStr | None, BeforeValidator(_hook)] = None
    webhook_token: Annotated[SecretStr | None, BeforeValidator(_token)] = None

    @property
    def any(self) -> bool:
        """Whether alerts have any recipient."""
        return bool(self.email or self.slack or self.pagerduty or self.webhook)


class ContactPoints(Ways):
    """Who is notified of what. critical, warning: who is notified of alerts of that severity, instead of the others.
    repeat_critical, repeat_warning: how often a notification is repeated while the alert lasts."""

    critical: Ways | None = None
    warning: Ways | None = None
    repeat_critical: Annotated[str, v.duration("m|h|d", "5m", "7d", "4h")] = "4h"
    repeat_warning: Annotated[str, v.duration("m|h|d", "5m", "7d", "24h")] = "24h"

    @property
    def every(self) -> tuple[tuple[str, Ways], ...]:
        """The contact points that are set, each with its key."""
        further = (("contactPoints.critical", self.critical), ("contactPoints.warning", self.warning))
        return (("contactPoints", self), *((key, ways) for key, ways in further if ways))

    @property
    def complete(self) -> bool:
        """Whether alerts of both severities have a recipient."""
        return self.any or bool(self.critical and self.warning)

    @property
    def email_is_used(self) -> bool:
        """Whether a mail server is needed."""
        return any(ways.email for _, ways in self.every)


class DeadMansSwitch(Part):
    """Notices from outside that the server itself is dead, which its own alerts cannot report.

    email: who is notified by CloudWatch, not by the server. heartbeat: a web address that the server calls while it
    lives, for a service that raises an alarm when the calls stop; heartbeat_every: how often. Anyone who knows
    the address can keep that alarm quiet, so it is a secret."""

    email: Addresses | None = None
    heartbeat: Annotated[SecretStr | None, BeforeValidator(_hook)] = None
    heartbeat_every: Annotated[str, v.duration("m|h", "1m", "24h", "5m")] = "5m"


_Percent = Annotated[float, _number(1, 99, "percent")]
"""Rules fire above it: nothing is above 100."""


class AlertThresholds(Part):
    """The values at which the rules of `alerts` fire; docs/alerts.md explains each.

    They end up in expressions of Grafana's (grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rules/
    queries-conditions) and in InfluxQL, as numbers and seconds.
    """

    interval: Annotated[str, v.duration("s|m|h", "10s", "1h", "1m"), BeforeValidator(_evaluation)] = "1m"
    silent_after: Annotated[str, v.duration("s|m|h", "30s", "12h", "3m")] = "3m"
    forget_after: Annotated[str, v.duration("h|d", "1h", "30d", "7d")] = "7d"
    cpu: _Percent = 95
    memory: _Percent = 95
    disk: _Percent = 90
    disk_full_within: Annotated[str, v.duration("h|d", "1h", "7d", "24h")] = "24h"
    load: Annotated[float, _number(0.1, 1000, "processes per CPU")] = 2
    data_volume: _Percent = 80
    agent_buffer: _Percent = 50
    backup_age: Annotated[str, v.duration("h|d", "2h", "30d", "36h")] = "36h"
    certificate_days: Annotated[int, v.whole(1, 90, "days")] = 14
