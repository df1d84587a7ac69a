"""The row "Host map" of "Linux hosts": a tile per host in the colour of its worst signal."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards import looks, tables
from dashboards.linux_attention import SIGNALS, Signal, states
from dashboards.page import Row
from dashboards.panels import number
from dashboards.queries import BY_HOST, HOST, LATELY, InfluxQuery, influx, select

LEVELS = looks.Limits(1, 2)
"""Severities as in "Needs attention": 1 where a value deserves a look, 2 where someone must act."""
MOST_TILES = 500


def host_map(uid: str, tags: Sequence[str]) -> Row:
    """The row. tags: their values precede the host's name."""
    queries = [states(), *(_level(signal, tags) for signal in SIGNALS)]
    letters = [chr(ord("A") + index) for index in range(len(queries))]
    name = " ".join(f"${{__data.fields.{column}}}" for column in (*tags, "host"))
    levels = ["State", *(signal.title for signal in SIGNALS)]
    return Row(
        "Host map",
        [
            number(
                "Worst signal of each host",
                "Green: nothing is beyond its limit. Orange: a value deserves a look. Red: somebody must act, or the"
                " host is silent. Signals and limits are those of “Needs attention”. Click a host to open its page.",
                units.Short,
                influx(uid, *(InfluxQuery(text, table=True) for text in queries)),
                limits=LEVELS,
                width=24,
                height=12,
            )
            .transformations(
                [
                    tables.columns("|".join(letters), rename={}, drop=["Time"]),
                    tables.join("host"),
                    tables.reduced("max", levels, "Worst"),
                    tables.arrange([*tags, "host"], rename={}, drop=levels),
                ]
            )
            .override_by_name("Worst", [DynamicConfigValue("displayName", name)])
            .color_mode(BigValueColorMode.BACKGROUND_SOLID)
            .text_mode(BigValueTextMode.NAME)
            .reduce_options(common.ReduceDataOptions().values(True).limit(MOST_TILES).calcs([]))
            .data_links([looks.one_host("__data.fields.host")])
        ],
    )


def _level(signal: Signal, tags: Sequence[str]) -> str:
    """How bad each host's newest value is. From the measurement `system`, which every host has, with the host's
    tags."""
    group = (BY_HOST, *(f'"{tag}"' for tag in tags if signal.measurement == "system"))
    newest = select(f'{signal.value} AS "value"', signal.measurement, HOST, LATELY, signal.where, group=group)
    watch, act = float(signal.limits.watch), float(signal.limits.act)
    level = f'("value" - {watch}) / {act - watch} + 1' if act != watch else f'"value" * 2 / {act}'
    return select(f'{level} AS "{signal.title}"', newest, LATELY, group=group)
