"""What every host measures: does all of it arrive while the host reports anything?

One rule per measurement. An input that hangs or fails (which agents.py reports), or that someone removed from the
configuration, leaves its alerts without data, and therefore quiet.
"""

from __future__ import annotations

from alerts import silence
from alerts.facts import Facts
from alerts.model import Panel, Rule
from alerts.steps import above, calculated, reduced
from dashboards.queries import TOTAL_CPU

MEASURED = (
    ("cpu", "CPU", "usage_idle", "CPU use", TOTAL_CPU),
    ("mem", "memory", "used_percent", "Memory use"),
    ("disk", "disk", "used_percent", "File systems"),
    ("net", "network", "bytes_recv", "Network traffic"),
)
"""Measurement, its name in a title, one of its fields, the panel that shows it, a condition for the series to check."""


def build(facts: Facts) -> tuple[Rule, ...]:
    """The rules."""
    return tuple(_missing(facts, *each) for each in MEASURED)


def _missing(facts: Facts, measurement: str, name: str, field: str, panel: str, *conditions: str) -> Rule:
    return Rule(
        uid=f"host-no-{measurement}",
        title=f"No {name} measurements",
        steps=(
            silence.measured(facts, "A", field, measurement, *conditions),
            reduced("sum", "A", "B"),
            silence.measured(facts, "C", "uptime", "system"),
            reduced("sum", "C", "D"),
            calculated("$B < 1 && $D > 0", "E"),
            above(0, "E", "F"),
        ),
        pending="5m",
        missing=facts.forget,  # after a day nothing is known about what it used to measure
        no_data="KeepLast",
        on_error="KeepLast",
        severity="warning",
        summary=f"{{{{ $labels.host }}}} reports, but has not measured its {name} for {facts.silence}"
        " s: other alerts on it cannot fire",
        look_at="`journalctl -u telegraf` on the host: an input that hangs (a dead network file system does that to"
        f" `disk`) or fails. Otherwise check that `inputs.{measurement}` is still in /etc/telegraf/telegraf.conf."
        f" Forgotten after {facts.thresholds.forget_after}.",
        panel=Panel("linux-hosts", panel),
    )
