"""Makes an instance a machine of this environment: its region, its boots, its console."""

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
"""Codes of instance states (API_InstanceState)."""

BOOT_SECONDS = 60
"""Seconds after which an instance counts as running even if its machine was not booted."""


@patch(InstanceBackend, "run_instances", source="4f521b28")
def run_instances(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
    """Record the region for the machines daemon."""
    reservation = original(self, *arguments, **named)
    regions.record(REGISTRY.place, self.region_name)
    return reservation


@patch(InstanceBackend, "start_instances", source="d63bc0ad")
def start_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    """AWS: an instance that is started is pending until its machine boots. moto: it is running at once.

    The machines daemon, which polls every second, might then not see that it was stopped. So this requests a boot from
    the daemon and waits for it.
    """
    stopped = [each for each in self.get_multi_instances_by_id(instance_ids) if each.state == "stopped"]
    answer = original(self, instance_ids)
    for instance in stopped:
        request = _request_boot(instance)
        if request is not None:
            instance._state.name, instance._state.code = "pending", PENDING
            Thread(target=_run_once_booted, args=(instance, request), daemon=True).start()
    return answer


@patch(InstanceBackend, "reboot_instances", source="629c2f84")
def reboot_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    """AWS: an instance stays `running` during a reboot (API_RebootInstances). moto: reboots nothing."""
    answer = original(self, instance_ids)
    for instance in answer:
        _request_boot(instance)
    return answer


def _request_boot(instance: Instance) -> Path | None:
    """Request a boot of the instance's machine from the machines daemon; None if it has no machine."""
    request = REGISTRY.place.state / "machines" / instance.id / "reboot"
    if not request.parent.is_dir():
        return None
    request.touch()
    return request


def _run_once_booted(instance: Instance, request: Path) -> None:
    """Set the instance to running once the machines daemon has removed the request, as it does when it boots it."""
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
