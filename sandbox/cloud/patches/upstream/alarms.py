"""The history of CloudWatch's alarms, which moto keeps but does not return."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from sandbox.cloud.patches.registry import ABSENT, patch


@patch(CloudWatchResponse, "describe_alarm_history", source=ABSENT)
def describe_alarm_history(_: Any, self: Any) -> ActionResult:
    """DescribeAlarmHistory (API_DescribeAlarmHistory): when alarms were created and changed state, newest first.

    moto: does not have the action.
    """
    items = self.cloudwatch_backend.describe_alarm_history(
        self._get_param("AlarmName"), self._get_param("HistoryItemType"), self._get_param("ScanBy")
    )
    return ActionResult({"AlarmHistoryItems": items})


@patch(CloudWatchBackend, "describe_alarm_history", source=ABSENT)
def describe_alarm_history_items(
    _: Any, self: Any, name: str | None, kind: str | None, scan_by: str | None
) -> list[dict[str, Any]]:
    """The items of one alarm, or of all; of one kind, or of all."""
    items = [
        item
        for alarm in self.describe_alarms()
        if name in (None, alarm.name)
        for item in _items(alarm)
        if kind in (None, item["HistoryItemType"])
    ]
    return sorted(items, key=lambda item: item["Timestamp"], reverse=scan_by != "TimestampAscending")


def _items(alarm: Any) -> Iterator[dict[str, Any]]:
    known = {"AlarmName": alarm.name, "AlarmType": "CompositeAlarm" if alarm.rule else "MetricAlarm"}
    yield {
        **known,
        "Timestamp": alarm.configuration_updated_timestamp,
        "HistoryItemType": "ConfigurationUpdate",
        "HistorySummary": f'Alarm "{alarm.name}" created',
    }
    # moto keeps the state before each change: (kind, reason, data, state, since when).
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
