"""The secrets in the parameter store, and their names."""

from __future__ import annotations

import pulumi

from components.passwords import Passwords
from components.private_authority import ServerCertificate
from program.influx import WRITER, Databases
from settings import Settings

OTHER = "other"
"""In names: the user of an external InfluxDB while the stack moves to or from it."""


def influxdb_password(user: str) -> str:
    """The name of the parameter with the password of one of InfluxDB's users, the same for every generation."""
    return f"influxdb-{user}-password"


def agents_parameter(folder: str) -> str:
    """The path of the parameter with the password that agents write with. folder: the stack's."""
    return f"{folder}/{influxdb_password(WRITER)}"


def other_parameter(folder: str) -> str:
    """The path of the parameter with the password of an external InfluxDB, while the stack moves to or from it."""
    return f"{folder}/{influxdb_password(OTHER)}"


def stored(
    settings: Settings, certificate: ServerCertificate, passwords: Passwords, databases: Databases
) -> dict[str, pulumi.Input[str]]:
    """Name and value of every secret the server reads (userdata/server/*.sh name them too)."""
    values: dict[str, pulumi.Input[str]] = {
        "server-certificate": certificate.certificate,
        "server-key": certificate.key,
        "grafana-admin-password": passwords.grafana_admin,
        "grafana-automation-password": passwords.automation.password,
        "grafana-secret-key": passwords.grafana_secret_key,
        influxdb_password(WRITER): databases.first.writer_password,
    }
    values |= {influxdb_password(user): password for user, password in passwords.influxdb.items()}
    if certificate.ca:
        values["ca-certificate"] = certificate.ca
    theirs = (databases.second or databases.first) if settings.influxdb else None
    if theirs and theirs.ca:
        values["influxdb-ca-certificate"] = theirs.ca
    if theirs and databases.second:
        values[influxdb_password(OTHER)] = theirs.writer_password
    if settings.public_certificate and settings.public_certificate.ca:
        values["acme-ca-certificate"] = settings.public_certificate.ca
    if settings.smtp:
        values["smtp-password"] = pulumi.Output.secret(settings.smtp.password.get_secret_value())
    if settings.oauth:
        values["oauth-secret"] = pulumi.Output.secret(settings.oauth.client_secret.get_secret_value())
    return values
