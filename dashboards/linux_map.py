"""The row "Host map" of "Linux hosts": a tile per host in the colour of its worst signal."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueTextMode

from dashboards import looks
from dashboards.linux_attention import SIGNALS, SILENT, Signal
from dashboards.page import Row
from dashboards.panels import number
from dashboards.queries import BY_HOST, HOST, LATELY, REMEMBERED, InfluxQuery, influx, select

LEVELS = looks.Limits(1, 2)
"""As the severities of "Needs attention": 1 where a value deserves a look, 2 where somebody must act."""


def host_map(uid: str, tags: Sequence[str]) -> Row:
    """The row. tags: their values stand before the host's name."""
    group = (BY_HOST, *(f'"{tag}"' for tag in tags))
    signals = ", ".join(f"({_level(signal, group)})" for signal in SIGNALS)
    worst = f'SELECT max("level") FROM {signals} GROUP BY {", ".join(group)}'  # noqa: S608 - constants
    name = " ".join([*(f"$tag_{tag}" for tag in tags), "$tag_host"])
    return Row(
        "Host map",
        [
            number(
                "Worst signal of each host",
                "Green: nothing is beyond its limit. Orange: a value deserves a look. Red: somebody must act, or the"
                " host is silent. Signals and limits are those of “Needs attention”. Click a host to open its"
                " page.",
                units.Short,
                influx(uid, InfluxQuery(worst, name), InfluxQuery(_silent(), "$tag_host")),
                limits=LEVELS,
                width=24,
                height=12,
            )
            .color_mode(BigValueColorMode.BACKGROUND_SOLID)
            .text_mode(BigValueTextMode.NAME)
            .data_links([looks.one_host("__field.labels.host")])
        ],
    )


def _level(signal: Signal, group: Sequence[str]) -> str:
    """How bad each host's newest value is."""
    newest = select(f'{signal.value} AS "value"', signal.measurement, HOST, LATELY, signal.where, group=group)
    watch, act = float(signal.limits.watch), float(signal.limits.act)
    level = f'("value" - {watch}) / {act - watch} + 1' if act != watch else f'"value" * 2 / {act}'
    return select(f'{level} AS "level"', newest, group=group)


def _silent() -> str:
    """Hosts that were heard of once, and not lately. By host alone, as one whose tags were changed is not silent, and a
    query of its own, as inner queries are grouped as outer ones are."""
    known = select('last("uptime") AS "known"', "system", HOST, f"time > now() - {REMEMBERED}", group=(BY_HOST,))
    lately = select('last("uptime") AS "up"', "system", HOST, LATELY, group=(BY_HOST,))
    silent = f'(count("known") - count("up")) * {SILENT} AS "level"'
    every = f"SELECT {silent} FROM ({known}), ({lately}) GROUP BY {BY_HOST} fill(0)"  # noqa: S608 - constants
    return select('"level"', every, '"level" > 0', group=(BY_HOST,))
