"""The machines that agents are installed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from settings import ssh_keys
from settings import values as v
from settings.addresses import HostAddress, behind, machine
from settings.inputs import Inputs
from settings.mistakes import WrongValueError, quoted
from settings.part import Part

RESERVED_TAGS = frozenset(
    {
        *("host", "time", "cpu", "device", "fstype", "interface", "label", "mode", "name", "path", "serial", "wwid"),
        *("container_id", "container_image", "container_name", "container_status", "container_version"),
        *("engine_host", "db", "method", "port", "server", "active", "load", "sub", "result", "result_type"),
        *("status_code", "url", "database", "input", "output", "version", "go_version", "source"),
        *("uptime", "State", "Memory", "Worst"),
    }
)
"""Tags that inputs set themselves, `time`, which InfluxQL reserves, and columns of tables that have one column per tag.
Names with a capital letter are refused as written here, the others in any case."""
MOST_TAGS = 20
PORT = v.whole(1, 65535, "the port")


def checked_name(value: Any) -> str:
    """The name a host appears under: its tag `host` (any text: docs.influxdata.com/influxdb/v1/write_protocols/
    line_protocol_reference), the name of its resources, and a part of a dashboard's address."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", v.text(value)):
        raise WrongValueError(
            "is not a valid host name", "use up to 63 letters, digits, dots, dashes and underscores, such as web-1"
        )
    if value == "All":  # @grafana/scenes, handleLegacyUrlAllValue: var-host=All
        raise WrongValueError("stands for all hosts in dashboards' addresses", "choose another one")
    if value.lower().startswith("monitoring-"):
        raise WrongValueError("is reserved for monitoring servers", "choose one that does not start with monitoring-")
    return str(value)


def checked_tags(value: Any) -> dict[str, str]:
    """The tags of all of a host's measurements: Telegraf's global_tags, in which it replaces ${…} (its
    docs/CONFIGURATION.md). What a tag may be: docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference.
    """
    if not isinstance(value, dict):
        raise WrongValueError("is not an object", "write one `name: value` per line")
    if len(value) > MOST_TAGS:
        raise WrongValueError(f"has {len(value)} tags", f"write at most {MOST_TAGS}")
    for name, content in value.items():
        tag = quoted(name)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
            raise WrongValueError("{tag} is not a valid tag name", "use letters, digits and underscores", tag=tag)
        if {name, name.lower()} & RESERVED_TAGS:
            raise WrongValueError(
                "{tag} is used by Telegraf's inputs or the dashboards", "choose another name", tag=tag
            )
        if not re.fullmatch(r"[^$\\]{1,128}", v.text(content)) or not content.isprintable():
            raise WrongValueError(
                "{tag} has a value that a tag cannot have",
                "write up to 128 characters on one line, without $ and backslash",
                tag=tag,
            )
    return value


class Host(Part):
    """A machine, reached by SSH, that gets an agent.

    name: its tag `host`, and the name of its resources. host_key: the only one that is accepted. private_key:
    of `user`; without it the operator's SSH agent is used. tags: of all its measurements.
    inputs: what else it measures. unreachable: true leaves the machine alone, so that it can be
    removed, or the stack destroyed, without reaching it.
    """

    name: Annotated[str, BeforeValidator(checked_name)]
    address: HostAddress
    port: Annotated[int, PORT] = 22
    # man 8 useradd, and systemd.io/USER_NAMES: at most 31 of these characters; useradd allows 32.
    user: Annotated[
        str,
        v.matching(r"[a-z_][a-z0-9_.-]{0,31}", "is not a valid user name", "write root, or a user with sudo rights"),
    ]
    host_key: Annotated[str, BeforeValidator(ssh_keys.host_key)]
    private_key: Annotated[SecretStr, BeforeValidator(ssh_keys.private_key)] | None = None
    tags: Annotated[dict[str, str], BeforeValidator(checked_tags)] = Field(default_factory=dict)
    inputs: Inputs = Inputs()
    unreachable: v.Flag = False


def repeated(given: Any) -> Iterator[tuple[int, str, WrongValueError]]:
    """Hosts that duplicate an earlier one, as (number, its setting, what is wrong): by name, ignoring
    case, or by address and port, however written. Wrong values are skipped: they are reported elsewhere."""
    names: set[str] = set()
    places: set[tuple[str, int]] = set()
    for number, host in enumerate(given if isinstance(given, list) else []):
        if not isinstance(host, dict):
            continue
        place = _place(host)
        if place in places:
            yield (
                number,
                "address",
                WrongValueError("is also the address of an earlier host", "give it an address or a port of its own"),
            )
        if place:
            places.add(place)
        name = host.get("name")
        if isinstance(name, str):
            if name.lower() in names:
                yield number, "name", WrongValueError("is also the name of an earlier host", "give each host its own")
            names.add(name.lower())


def _place(host: dict[str, Any]) -> tuple[str, int] | None:
    """Where a host's SSH server is; None for an unreachable one."""
    if str(host.get("unreachable")).lower() == "true":
        return None
    try:
        address, port = machine(host.get("address")), PORT.func(host.get("port", 22))  # type: ignore[call-arg]
    except WrongValueError:
        return None
    try:
        return str(behind(address)), port
    except ValueError:
        return address, port
