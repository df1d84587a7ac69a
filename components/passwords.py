"""The generated passwords."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_random as random

LENGTH = 32
"""Letters and digits: 190 bits, and nothing that needs escaping in any file."""
AUTOMATION = "pulumi-"
"""The prefix of the automation's login, by which userdata/server/grafana.sh recognizes old users of the stack."""


@dataclass(frozen=True)
class Account:
    """A login and its password."""

    login: pulumi.Output[str]
    password: pulumi.Output[str]


class Passwords(pulumi.ComponentResource):
    """Generated passwords.

    Produces: one for Grafana's administrator, one for the key with which Grafana encrypts its datasources'
    credentials (it must not change while the data volume exists), one for the key that makes revisions unique, and,
    with `influxdb_users`, one for each of InfluxDB's users: telegraf (writes), grafana (reads); the login and the
    password of the automation, the Grafana user that Pulumi and the server work as. Another `generation` renews
    everything except the keys.

    The automation's login is random and new with each generation: nobody can lock it by guessing its password, and
    logging in before the server has created it does not lock it either. Grafana counts a failed login only for users
    that exist (pkg/services/authn/clients/password.go: loginAttempts.Add only after errInvalidPassword).

    Attributes: grafana_admin, automation, grafana_secret_key, revision_key, influxdb (by user); all but the login
    are secrets.
    """

    def __init__(self, name: str, *, influxdb_users: bool, generation: int, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:Passwords", name, None, opts)
        self._generation = {"generation": str(generation)}
        self.grafana_admin = self._password("grafana-admin", self._generation)
        login = random.RandomString(
            "grafana-automation-login",
            length=20,
            special=False,
            upper=False,  # Grafana converts logins to lower case
            keepers=self._generation,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.automation = Account(
            pulumi.Output.concat(AUTOMATION, login.result), self._password("grafana-automation", self._generation)
        )
        self.grafana_secret_key = self._password("grafana-secret-key")
        self.revision_key = self._password("revision-key")
        users = ("telegraf", "grafana") if influxdb_users else ()
        self.influxdb = {user: self._password(f"influxdb-{user}", self._generation) for user in users}
        self.register_outputs({})

    def _password(self, name: str, keepers: dict[str, str] | None = None) -> pulumi.Output[str]:
        return generated(name, self, keepers)


def generated(name: str, parent: pulumi.Resource, keepers: dict[str, str] | None = None) -> pulumi.Output[str]:
    """A password that is generated once for each value of `keepers`."""
    password = random.RandomPassword(
        name, length=LENGTH, special=False, keepers=keepers, opts=pulumi.ResourceOptions(parent=parent)
    )
    return pulumi.Output.secret(password.result)
