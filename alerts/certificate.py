"""The server's certificates. Telegraf checks the server's own once an hour, and the public one every minute.

No-data and error states: after the first start there is no value for up to an hour, and a Telegraf that cannot read the
certificate is reported as "Telegraf input fails": nothing to report here (OK). A failing query leaves the alert
unchanged (KeepLast).
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import below, calculated, influxql, reduced
from dashboards.queries import BY_HOST, select

DAY = 86400
LOOKED_AT_EVERY = 3600
"""Seconds between two checks, in userdata/shared/telegraf.conf."""

PUBLIC_DAYS = 7
"""Let's Encrypt's certificates are renewed 30 days before they expire, or 15 if they are valid for 45
(letsencrypt.org/2025/12/02/from-90-to-45), with two attempts a day: by now they have failed for a week."""


def build(facts: Facts) -> list[Group]:
    """The group, if the stack has a certificate that is measured. Telegraf measures the server's own only if InfluxDB
    runs there."""
    rules = (_own,) if facts.own_influxdb else ()
    public = (_public,) if facts.public_certificate else ()
    found = tuple(rule(facts) for rule in (*rules, *public))
    return [Group("Certificate", facts.interval, found)] if found else []


def _own(facts: Facts) -> Rule:
    text = select('min("expiry")', "x509_cert", "$timeFilter", group=(BY_HOST,))
    return Rule(
        uid="certificate-ends",
        title="Certificate expires soon",
        steps=(
            influxql(facts, text, 2 * LOOKED_AT_EVERY + 600),
            reduced("last"),
            calculated(f"$B / {DAY}", "C"),
            below(facts.thresholds.certificate_days, "C", "D"),
        ),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary='The certificate of {{ $labels.host }} expires in {{ printf "%.0f" $values.C.Value }} days',
        look_at="`pulumi up` renews the stack's own certificate in its last month. For your own certificate:"
        " put the new one in the setting `certificate`, then `pulumi up`.",
        panel=Panel("monitoring-server", "Certificate expires in"),
    )


def _public(facts: Facts) -> Rule:
    """A new server can wait for its authority for a while, and so does the alert."""
    text = select('last("left")', "public_certificate", "$timeFilter", group=(BY_HOST,))
    return Rule(
        uid="public-certificate-ends",
        title="Public certificate is missing or expires soon",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            calculated(f"$B / {DAY}", "C"),
            below(PUBLIC_DAYS, "C", "D"),
        ),
        pending="60m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary='The public certificate of {{ $labels.host }} is valid for {{ printf "%.0f" $values.C.Value }} days;'
        " with 0, browsers get the stack's own and warn",
        look_at="The server tries to get one, or to renew it: `journalctl -u monitoring-certificate` says what its"
        " authority answered. Common causes: no route to it, a zone that is not delegated, a CAA record.",
        panel=Panel("monitoring-server", "Public certificate expires in"),
    )
