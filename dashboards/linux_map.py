"""The row "Host map" of "Linux hosts": a tile per host in the colour of its worst signal."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueTextMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DynamicConfigValue,
    RangeMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards import looks, tables
from dashboards.linux_attention import SIGNALS, SILENT, Signal, newest_of_each_host, states
from dashboards.page import Row
from dashboards.panels import number
from dashboards.queries import BY_HOST, HOST, LATELY, InfluxQuery, influx, select

WORST = "Worst"
LEVELS = looks.Limits(1, 2)
"""Severities as in "Needs attention": 1 if a value deserves a look, 2 if someone must act."""
MOST_TILES = 500
TEXT_SIZE = 14
"""Pixels, the same on every tile; by default it depends on the name's length."""


def host_map(uid: str, tags: Sequence[str]) -> Row:
    """The row. tags: those whose values precede the host's name."""
    queries = [states(), newest_of_each_host(tags), *(_level(signal) for signal in SIGNALS)]
    letters = [chr(ord("A") + index) for index in range(len(queries))]
    name = " ".join(f"${{__data.fields.{column}}}" for column in (*tags, "host"))
    levels = ["State", *(signal.title for signal in SIGNALS)]
    tiles = (
        number(
            "Worst signal of each host",
            "Orange and “look”: a value deserves a look. Red and “act”: someone must act; “silent”: the host sends"
            " nothing. Green: no value is beyond its limit. Signals and limits are those of"
            " “Needs attention”. Click a host to open its page.",
            units.Short,
            influx(uid, *(InfluxQuery(text, table=True) for text in queries)),
            limits=LEVELS,
            width=24,
            height=12,
        )
        .transformations(
            [
                tables.columns("|".join(letters), rename={}, drop=["Time", "uptime"]),
                tables.join("host"),
                tables.reduced("max", levels, WORST),
                tables.arrange([*tags, "host"], rename={}, drop=levels),
            ]
        )
        .override_by_name(WORST, [DynamicConfigValue("displayName", name), DynamicConfigValue("mappings", _words())])
        .text(common.VizTextDisplayOptions().title_size(TEXT_SIZE).value_size(TEXT_SIZE))
        .color_mode(BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(common.ReduceDataOptions().values(True).limit(MOST_TILES).calcs([]))
        .data_links([looks.one_host("__data.fields.host")])
    )
    for tag in tags:  # a host without it is not "unknown"
        tiles = tiles.override_by_name(tag, [DynamicConfigValue("mappings", [looks.when_absent("", looks.QUIET)])])
    return Row("Host map", [tiles])


def _words() -> list[ValueMapping]:
    """The words on the tiles; the first range that contains a value counts."""
    words = ((SILENT, None, "silent"), (LEVELS.act, SILENT, "act"), (LEVELS.watch, LEVELS.act, "look"))
    return [
        RangeMap(DashboardRangeMapOptions(low, high, ValueMappingResult(word, index=index)))
        for index, (low, high, word) in enumerate((*words, (None, LEVELS.watch, "")))
    ]


def _level(signal: Signal) -> str:
    """A query for how bad each host's newest value is."""
    newest = select(f'{signal.value} AS "value"', signal.measurement, HOST, LATELY, signal.where, group=(BY_HOST,))
    watch, act = float(signal.limits.watch), float(signal.limits.act)
    level = f'("value" - {watch}) / {act - watch} + 1' if act != watch else f'"value" * 2 / {act}'
    return select(f'{level} AS "{signal.title}"', newest, LATELY, group=(BY_HOST,))
