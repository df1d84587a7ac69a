"""Versions of the packages that the server installs."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from settings.mistakes import WrongValueError
from settings.values import matching

_STOPS = "cannot be installed on a used data volume: its package fails on older plugins there (grafana/grafana#127164)"
_MOVES = "has no InfluxDB datasource: its package puts the plugin in the wrong place (grafana/grafana#130921)"
UNUSABLE = {
    "13.1.0": (_STOPS, "write 13.1.2 or later"),
    "13.1.1": (_STOPS, "write 13.1.2 or later"),
    "13.2.0": (_MOVES, "write 13.2.1 or later"),
}
"""Versions of Grafana whose Debian package is broken: what is wrong, and what to write instead."""


def _usable_grafana(value: Any) -> Any:
    """Refuses a version whose package is broken, with any Debian revision."""
    upstream = re.fullmatch(r"(?:[0-9]:)?([0-9.]+)(?:[^0-9.].*)?", str(value))
    if upstream and upstream[1] in UNUSABLE:
        raise WrongValueError(*UNUSABLE[upstream[1]])
    return value


def _first_major(version: str) -> str:
    """Refuses versions other than 1.x: InfluxDB 2 and 3 have other packages, files and query languages."""
    if not version.rpartition(":")[2].startswith("1."):
        raise WrongValueError("is not a 1.x version", 'write a version of the package influxdb, such as "1.12.4-1"')
    return version


def _at_least(major: int, minor: int) -> AfterValidator:
    """A validator of versions that support everything the program writes into their configuration."""

    def check(version: str) -> str:
        upstream = re.split(r"[.+~-]", version.rpartition(":")[2])
        if (int(upstream[0]), int(upstream[1])) < (major, minor):
            raise WrongValueError("lacks settings that this program uses", f"write {major}.{minor}.0 or later")
        return version

    return AfterValidator(check)


Version = Annotated[
    str,
    matching(
        # Debian Policy 5.6.12: the part after a hyphen is not empty.
        r"([0-9]:)?(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}(?![0-9])([A-Za-z0-9.+~-]{0,39}[A-Za-z0-9.+~])?",
        "is not a full Debian package version",
        'write the exact version in quotes, such as "1.39.3-1" (`apt-cache madison PACKAGE` lists them)',
    ),
]
GrafanaVersion = Annotated[Version, BeforeValidator(_usable_grafana), _at_least(12, 0)]
"""Alert rules have `keep_firing_for` and `missing_series_evals_to_resolve` since 12
(grafana/terraform-provider-grafana, internal/resources/grafana/resource_alerting_rule_group_test.go)."""
VersionOne = Annotated[Version, AfterValidator(_first_major), _at_least(1, 7)]
"""Older versions ignore settings that they do not know. 1.7 knows all those of userdata/server/influxdb.conf
(services/httpd/config.go, pkg/tlsconfig, tsdb/config.go there)."""
TelegrafVersion = Annotated[Version, _at_least(1, 39)]
"""Telegraf accepts a command as a list since 1.39, and only as a list from 1.45 on (plugins/inputs/exec/exec.go); it
has `metricpass` since 1.29 (docs/CONFIGURATION.md)."""
