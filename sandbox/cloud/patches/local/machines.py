"""An instance is a machine of this environment: where it is, its boots, its console."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from threading import Thread
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.responses.general import General

from sandbox.cloud import regions
from sandbox.cloud.patches.registry import REGISTRY, patch

CONSOLE_BYTES = 65536
"""GetConsoleOutput returns the newest 64 KB (API_GetConsoleOutput)."""

PENDING, RUNNING = 0, 16
"""Codes of an instance's states (API_InstanceState)."""

BOOT_SECONDS = 60
"""Seconds after which an instance counts as running although its machine was not booted."""


@patch(InstanceBackend, "run_instances", source="4f521b28")
def run_instances(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
    """Record the region, so that the machines daemon looks there."""
    reservation = original(self, *arguments, **named)
    regions.note(REGISTRY.place, self.region_name)
    return reservation


@patch(InstanceBackend, "start_instances", source="d63bc0ad")
def start_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    """AWS: an instance that is started is pending until its machine boots. moto: runs again at once, before the
    machines daemon, which looks each second, has seen it stopped. So the daemon is asked for a boot, and waited for.
    """
    stopped = [each for each in self.get_multi_instances_by_id(instance_ids) if each.state == "stopped"]
    answer = original(self, instance_ids)
    for instance in stopped:
        request = _request_boot(instance)
        if request is not None:
            instance._state.name, instance._state.code = "pending", PENDING
            Thread(target=_runs_once_booted, args=(instance, request), daemon=True).start()
    return answer


@patch(InstanceBackend, "reboot_instances", source="629c2f84")
def reboot_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    """AWS: an instance that is rebooted is `running` all the time (API_RebootInstances). moto: boots nothing."""
    answer = original(self, instance_ids)
    for instance in answer:
        _request_boot(instance)
    return answer


def _request_boot(instance: Instance) -> Path | None:
    """Ask the machines daemon to boot an instance's machine, if it has one."""
    request = REGISTRY.place.state / "machines" / instance.id / "reboot"
    if not request.parent.is_dir():
        return None
    request.touch()
    return request


def _runs_once_booted(instance: Instance, request: Path) -> None:
    """The machines daemon removes the request once it boots the machine."""
    until = time.monotonic() + BOOT_SECONDS
    while request.exists() and time.monotonic() < until:
        time.sleep(0.1)
    if instance.state == "pending":
        instance._state.name, instance._state.code = "running", RUNNING


@patch(General, "get_console_output", source="13dbe398")
def get_console_output(_: Any, self: Any) -> ActionResult:
    """AWS: what the instance wrote to its console. moto: the same ten lines for every instance."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    log = REGISTRY.place.state / "machines" / instance.id / "console.log"
    written = log.read_bytes()[-CONSOLE_BYTES:] if log.exists() else b""
    output = Base64EncodedString.from_encoded_bytes(base64.b64encode(written))
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})
