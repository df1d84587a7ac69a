"""Grafana's units, by the names it stores."""

from __future__ import annotations

import difflib
import re
from typing import Any

from grafana_foundation_sdk.models import units

from settings import values as v
from settings.mistakes import WrongValueError

KNOWN = frozenset(value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str))
OWN = re.compile(r"(prefix|suffix|time|si|count|currency):.{1,40}")
"""Units with custom text: grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options"""

OF_CLOUDWATCH = {
    "Seconds": "s",
    "Milliseconds": "ms",
    "Microseconds": "µs",
    "Bytes": "bytes",
    "Kilobytes": "deckbytes",
    "Megabytes": "decmbytes",
    "Gigabytes": "decgbytes",
    "Bits": "bits",
    "Percent": "percent",
    "Count": "short",
    "None": "short",
    "Bytes/Second": "Bps",
    "Bits/Second": "bps",
    "Count/Second": "cps",
}


def grafana_unit(value: Any) -> str:
    """A unit's name as Grafana stores it; for one of CloudWatch's names, the error gives Grafana's."""
    written = v.text(value)
    if written in KNOWN or OWN.fullmatch(written):
        return written
    cloudwatch = {name.lower(): unit for name, unit in OF_CLOUDWATCH.items()}
    if written.lower() in cloudwatch:
        raise WrongValueError("is CloudWatch's name for a unit, not Grafana's", f"write {cloudwatch[written.lower()]}")
    close = difflib.get_close_matches(written, sorted(KNOWN), n=1, cutoff=0.7)
    others = "write a name such as short, percent, s, ms, bytes, reqps, or your own as suffix:orders"
    raise WrongValueError("is not a Grafana unit", f"did you mean {close[0]}?" if close else others)
