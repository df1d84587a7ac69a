"""Which values are in the parameter store, under which names."""

from __future__ import annotations

import pulumi

from components.passwords import Passwords
from components.private_authority import ServerCertificate
from program.influx import WRITER, Influx
from settings import OAuth, Smtp


def stored(
    certificate: ServerCertificate, passwords: Passwords, influx: Influx, smtp: Smtp | None, oauth: OAuth | None
) -> dict[str, pulumi.Input[str]]:
    """Name and value of every secret the server reads (userdata/server/*.sh name them too)."""
    values: dict[str, pulumi.Input[str]] = {
        "server-certificate": certificate.certificate,
        "server-key": certificate.key,
        "grafana-admin-password": passwords.grafana_admin,
        "grafana-automation-password": passwords.automation.password,
        "grafana-secret-key": passwords.grafana_secret_key,
        f"influxdb-{WRITER}-password": influx.writer_password,  # WRITER, READER: in any generation
    }
    values |= {f"influxdb-{user}-password": password for user, password in passwords.influxdb.items()}
    if certificate.ca:
        values["ca-certificate"] = certificate.ca
    if influx.ca and not passwords.influxdb:
        values["influxdb-ca-certificate"] = influx.ca
    if smtp:
        values["smtp-password"] = pulumi.Output.secret(smtp.password.get_secret_value())
    if oauth:
        values["oauth-secret"] = pulumi.Output.secret(oauth.client_secret.get_secret_value())
    return values
