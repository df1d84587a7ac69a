"""The machines that agents are installed on."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from settings import values as v
from settings.addresses import HostAddress
from settings.inputs import Inputs
from settings.mistakes import WrongValueError, shown
from settings.part import Part

KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
RESERVED_TAGS = frozenset(
    {
        *("host", "time", "cpu", "device", "fstype", "interface", "label", "mode", "name", "path", "serial", "wwid"),
        *("container_id", "container_image", "container_name", "container_status", "container_version"),
        *("engine_host", "db", "method", "port", "server", "active", "load", "sub", "result", "result_type"),
        *("status_code", "url", "database", "input", "output", "version", "go_version", "source"),
    }
)
"""Tags that inputs set themselves, and `time`, which InfluxQL keeps for itself."""
MOST_TAGS = 20


def checked_name(value: Any) -> str:
    """The name a host appears under (tag `host`)."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", v.text(value)):
        raise WrongValueError(
            "is not a host's name", "use up to 63 letters, digits, dots, dashes and underscores, such as web-1"
        )
    if value.startswith("monitoring-"):
        raise WrongValueError("is a name of monitoring servers", "choose one that does not begin with monitoring-")
    return str(value)


def checked_host_key(value: Any) -> str:
    """An SSH host's public key as known_hosts and authorized_keys write it: its type and the key in base64."""
    instead = "write it as `ssh-ed25519 AAAA…`, from /etc/ssh/ssh_host_ed25519_key.pub on that host"
    words = v.text(value).split()
    if words[0] not in KEY_TYPES or len(words) < 2 or "\n" in value:
        raise WrongValueError("is not an SSH host's public key", instead)
    try:
        blob = b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise WrongValueError("is not an SSH host's public key", instead) from None
    if blob[4 : 4 + int.from_bytes(blob[:4], "big")] != words[0].encode() or len(blob) < 50:
        raise WrongValueError("is not whole, or not of the type it names", instead)
    return f"{words[0]} {words[1]}"


def checked_private_key(value: Any) -> str:
    """A private key in PEM, without a passphrase."""
    written = v.pem("PRIVATE KEY").func(value)  # type: ignore[call-arg]
    if "OPENSSH" in written:
        content = "".join(line for line in written.splitlines() if "-----" not in line)
        try:
            cipher = b64decode(content)[15:23]  # "openssh-key-v1\0", then the cipher's name after its length
        except (binascii.Error, ValueError):
            cipher = b""
        if cipher != b"\0\0\0\x04none":
            raise WrongValueError(
                "is damaged or encrypted with a passphrase", "write a key without one (Pulumi encrypts it)"
            )
    return str(written)


def checked_tags(value: Any) -> dict[str, str]:
    """Tags of all of a host's measurements."""
    if not isinstance(value, dict):
        raise WrongValueError("is not an object", "write one `name: value` a line")
    if len(value) > MOST_TAGS:
        raise WrongValueError(f"has {len(value)} tags", f"write at most {MOST_TAGS}")
    for name, content in value.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
            raise WrongValueError(f"{shown(name)} is not a tag's name", "use letters, digits and underscores")
        if name.lower() in RESERVED_TAGS:
            raise WrongValueError(f"{shown(name)} is set by the measurements themselves", "choose another name")
        if not re.fullmatch(r"[^$\\]{1,128}", v.text(content)) or not content.isprintable():
            raise WrongValueError(
                f"{shown(name)} has a value that cannot be a tag",
                "write up to 128 characters on one line, without $ and backslash",
            )
    return value


class Host(Part):
    """A Debian or Ubuntu machine, reached by SSH, that gets an agent.

    name: its tag `host`, and the name of its resources. host_key: the only one that is accepted. private_key:
    of `user`; without it the SSH agent of whoever runs Pulumi is asked. tags: of all its measurements.
    inputs: what it measures beside itself. unreachable: true leaves the machine alone, so that it can be
    taken out, or the stack destroyed, without reaching it.
    """

    name: Annotated[str, BeforeValidator(checked_name)]
    address: HostAddress
    port: Annotated[int, v.whole(1, 65535, "the port")] = 22
    user: Annotated[
        str,
        v.matching(r"[a-z_][a-z0-9_.-]{0,31}", "is not a user's name", "write root, or a user who may use sudo"),
    ]
    host_key: Annotated[str, BeforeValidator(checked_host_key)]
    private_key: Annotated[SecretStr, BeforeValidator(checked_private_key)] | None = None
    tags: Annotated[dict[str, str], BeforeValidator(checked_tags)] = Field(default_factory=dict)
    inputs: Inputs = Inputs()
    unreachable: v.Flag = False
