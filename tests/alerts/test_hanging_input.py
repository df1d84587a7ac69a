"""An input that never returns, as Telegraf itself reports it and the rule evaluates it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from sandbox import toolchain
from tests.alerts.conftest import Double, points, rule_of
from tests.sandbox.grafana.support import Influx

CONFIG = """[agent]
interval = "1s"
flush_interval = "1s"
hostname = "web-1"
[[inputs.file]]
files = ["{pipe}"]
data_format = "influx"
[[inputs.mem]]
[[inputs.internal]]
[[outputs.file]]
files = ["stdout"]
"""


def test_an_input_that_hangs_is_an_alert_and_no_error(tmp_path: Path, double: Double, influx: Influx) -> None:
    telegraf = toolchain.binaries() / "telegraf"
    if not telegraf.exists():
        pytest.skip("the toolchain is not built")
    os.mkfifo(tmp_path / "hangs")
    (tmp_path / "telegraf.conf").write_text(CONFIG.format(pipe=tmp_path / "hangs"))
    command = ["timeout", "--kill-after=1", "9", str(telegraf), "--config", str(tmp_path / "telegraf.conf")]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rounds = {
        kind: re.findall(rf"^({kind}) \d+$", printed, re.MULTILINE)[-7:]
        for kind in ("internal_agent,.*", "internal_gather,.*input=file.*", "internal_gather,.*input=mem.*")
    }
    assert all(len(found) >= 6 for found in rounds.values()), printed
    # Each second of this run is a minute for the rule.
    influx.write(
        points(
            "\n".join(
                f"{line} @{60 * ago + 5}" for found in rounds.values() for ago, line in enumerate(reversed(found))
            )
        )
    )
    reported = {result.labels["input"]: result.kind for result in double.judged(rule_of("agent-hangs"))}
    assert reported == {"file": "Alerting"}  # `mem` cannot hang
    assert [result.kind for result in double.judged(rule_of("agent-errors"))] == ["Normal"]
