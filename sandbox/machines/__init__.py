"""The sandbox's machines: EC2 instances and on-premise hosts as systemd-nspawn machines on one bridge.

`preflight` reports what this host lacks, `cleanup` removes what a killed daemon left behind. The daemon itself is
`python -m sandbox.machines`.
"""

from __future__ import annotations

from sandbox.machines.leftovers import cleanup
from sandbox.machines.requirements import preflight

__all__ = ["cleanup", "preflight"]
