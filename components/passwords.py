"""The generated passwords."""

from __future__ import annotations

import pulumi
import pulumi_random as random

LENGTH = 32
"""Letters and digits: 190 bits, and nothing to escape in any file they end up in."""


class Passwords(pulumi.ComponentResource):
    """Passwords nobody chose.

    Produces: one for Grafana's administrator, one for the key Grafana encrypts its datasources' credentials
    with (it must stay the same as long as the data volume does), and, with `own_influxdb`, one for each of
    InfluxDB's users: telegraf (writes), grafana (reads). Another `generation` makes all new ones but the key.

    Attributes: grafana_admin, grafana_secret_key, influxdb (by user); all secrets.
    """

    def __init__(self, name: str, own_influxdb: bool, generation: int, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:Passwords", name, None, opts)
        self._generation = {"generation": str(generation)}
        self.grafana_admin = self._password("grafana-admin", self._generation)
        self.grafana_secret_key = self._password("grafana-secret-key")
        users = ("telegraf", "grafana") if own_influxdb else ()
        self.influxdb = {user: self._password(f"influxdb-{user}", self._generation) for user in users}
        self.register_outputs({})

    def _password(self, name: str, keepers: dict[str, str] | None = None) -> pulumi.Output[str]:
        password = random.RandomPassword(
            name, length=LENGTH, special=False, keepers=keepers, opts=pulumi.ResourceOptions(parent=self)
        )
        return pulumi.Output.secret(password.result)
