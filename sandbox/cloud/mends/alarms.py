"""The history of CloudWatch's alarms, which moto keeps but does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult


def apply() -> None:
    """Answer DescribeAlarmHistory."""
    CloudWatchResponse.describe_alarm_history = describe_alarm_history  # type: ignore[attr-defined]


def describe_alarm_history(self: Any) -> ActionResult:
    """DescribeAlarmHistory (API_DescribeAlarmHistory): how alarms came to be and changed their states, newest first.

    moto: does not know the action.
    """
    name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
    items = [
        item
        for alarm in self.cloudwatch_backend.describe_alarms()
        if name in (None, alarm.name)
        for item in _items(alarm)
        if kind in (None, item["HistoryItemType"])
    ]
    newest_first = self._get_param("ScanBy") != "TimestampAscending"
    items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
    return ActionResult({"AlarmHistoryItems": items})


def _items(alarm: Any) -> Iterator[dict[str, Any]]:
    known = {"AlarmName": alarm.name, "AlarmType": "CompositeAlarm" if alarm.rule else "MetricAlarm"}
    yield {
        **known,
        "Timestamp": alarm.configuration_updated_timestamp,
        "HistoryItemType": "ConfigurationUpdate",
        "HistorySummary": f'Alarm "{alarm.name}" created',
    }
    # moto keeps what was before each change: (kind, reason, data, state, since when).
    states = [
        *((state, since) for *_, state, since in alarm.history),
        (alarm.state_value, alarm.state_updated_timestamp),
    ]
    for (before, _), (after, since) in pairwise(states):
        yield {
            **known,
            "Timestamp": since,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {before} to {after}",
        }
