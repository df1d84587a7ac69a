"""What the rules of one stack depend on."""

from __future__ import annotations

from dataclasses import dataclass, field

from settings import AlertThresholds
from settings.values import seconds

LATELY = 6 * 3600
SLOW = 300


@dataclass(frozen=True)
class Facts:
    """region: of the monitored instances. server: the monitoring server's tag `host`.

    collection_interval: how often hosts measure, a duration. own_influxdb: whether the rules read the server's own
    InfluxDB. heartbeat: whether a service expects the alert that always fires. public_certificate: whether the server
    gets one. The uids are those of the datasources.
    """

    region: str
    server: str
    thresholds: AlertThresholds = field(default_factory=AlertThresholds)
    collection_interval: str = "10s"
    own_influxdb: bool = True
    heartbeat: bool = False
    public_certificate: bool = False
    influxdb_uid: str = "influxdb"
    cloudwatch_uid: str = "cloudwatch"

    def window(self, usual: int) -> int:
        """How far back a rule looks, in seconds: `usual`, or enough for two measurements."""
        return max(usual, round(2 * seconds(self.collection_interval)))

    @property
    def silence(self) -> int:
        """Seconds without a measurement after which a host counts as silent: at least three intervals."""
        return max(
            round(seconds(self.thresholds.silent_after)),
            round(3 * seconds(self.collection_interval)),
        )

    @property
    def forget(self) -> int:
        """Seconds for which a host that sends nothing is remembered."""
        return round(seconds(self.thresholds.forget_after))

    @property
    def lately(self) -> int:
        """Seconds for which a host's measurements are remembered: usually within one shard, which is a day
        (userdata/server_files.py)."""
        return max(LATELY, 2 * self.silence)

    @property
    def interval(self) -> int:
        """Seconds between two evaluations of a rule."""
        return round(seconds(self.thresholds.interval))

    @property
    def slow_interval(self) -> int:
        """Seconds between two evaluations of a rule that can wait, because what it watches takes hours."""
        return max(self.interval, SLOW)
