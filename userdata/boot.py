"""The server's user data: cloud-config that writes and starts the boot script.

Comments and empty lines are removed before it goes to EC2, whose limit is 16 KiB (ours is 12).
"""

from __future__ import annotations

from dataclasses import dataclass

from settings import Repository
from userdata.templates import AWS_DOMAIN, render, shell, source, without_comments

LIMIT = 12 * 1024
"""The most bytes of rendered user data. EC2 refuses more than 16,384, but only when the instance is created."""
SETTINGS_FOLDER = "/etc/monitoring"
BOOT_SCRIPT = "/usr/local/sbin/monitoring-server"
UNITS = ("monitoring-server.service", "monitoring-server.timer")
"""Units that run the boot script: at every boot, and regularly to check whether the stack has changed."""


class UserDataTooLargeError(ValueError):
    """The rendered user data is over the limit. The message says by how much, and what to shorten."""


@dataclass(frozen=True)
class BootValues:
    """Everything the server's user data depends on; changing any of it replaces the server. None of it is secret.

    parameters: path of the stack's parameters. address: the server's. local_name: the name in the certificate by
    which the machine reaches itself. influxdb_version: empty if another service is used.
    """

    region: str
    parameters: str
    address: str
    local_name: str
    data_volume: str
    grafana_repository: Repository
    influxdata_repository: Repository
    grafana_version: str
    influxdb_version: str
    telegraf_version: str


def boot_settings(values: BootValues) -> str:
    """The shell variables that boot.sh reads from /etc/monitoring/boot.conf."""
    return shell(
        {
            "REGION": values.region,
            "SSM": f"https://ssm.{values.region}.{AWS_DOMAIN}/",
            "PARAMETERS": values.parameters,
            "ADDRESS": values.address,
            "LOCAL_NAME": values.local_name,
            "DATA_VOLUME": values.data_volume,
            "GRAFANA_REPOSITORY": source(values.grafana_repository),
            "INFLUXDATA_REPOSITORY": source(values.influxdata_repository),
            "GRAFANA_VERSION": values.grafana_version,
            "INFLUXDB_VERSION": values.influxdb_version,
            "TELEGRAF_VERSION": values.telegraf_version,
        }
    )


def user_data(values: BootValues) -> str:
    """The server's cloud-config. Raises UserDataTooLargeError above 12 KiB."""
    contents = {
        f"{SETTINGS_FOLDER}/boot.conf": boot_settings(values),
        **{f"/etc/systemd/system/{unit}": render(unit) for unit in UNITS},
        BOOT_SCRIPT: render("boot.sh"),
    }
    files = [
        {"path": path, "mode": "0755" if path == BOOT_SCRIPT else "0644", "content": without_comments(content)}
        for path, content in contents.items()
    ]
    text = render("cloud-config.yaml", files=files)
    size = len(text.encode())
    if size > LIMIT:
        longest = max(boot_settings(values).splitlines(), key=len)
        raise UserDataTooLargeError(
            f"the server's user data has {size} bytes, {size - LIMIT} more than the {LIMIT} allowed; "
            f"shorten the settings that it holds (the longest is {longest[:80]}…)"
        )
    return text
