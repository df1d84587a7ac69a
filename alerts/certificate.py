"""The server's certificate. Telegraf checks it once an hour.

No-data and error states: right after the first start there is no value for up to an hour, and a Telegraf
that cannot read the certificate is "Telegraf input fails": nothing to report here (OK). A failing query
leaves the alert unchanged (KeepLast).
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import below, calculated, influxql, reduced
from dashboards.queries import BY_HOST, select

DAY = 86400
LOOKED_AT_EVERY = 3600
"""Seconds between two checks, in userdata/telegraf.conf."""


def build(facts: Facts) -> Group:
    """The group."""
    text = select('min("expiry")', "x509_cert", "$timeFilter", group=(BY_HOST,))
    ending = Rule(
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
    return Group("Certificate", facts.interval, (ending,))
