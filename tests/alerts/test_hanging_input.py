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
from tests.support.waiting import eventually

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
    output = tmp_path / "printed"

    def rounds() -> list[list[str]]:
        kinds = ("internal_agent,.*", "internal_gather,.*input=file.*", "internal_gather,.*input=mem.*")
        return [re.findall(rf"^({kind}) \d+$", output.read_text(), re.MULTILINE) for kind in kinds]

    command = [str(telegraf), "--config", str(tmp_path / "telegraf.conf")]
    with output.open("w") as printed, subprocess.Popen(command, stdout=printed, stderr=subprocess.DEVNULL) as process:
        try:
            assert eventually(lambda: all(len(found) > 7 for found in rounds())), output.read_text()
        finally:
            process.kill()  # an input that hangs keeps it from ending by itself
    # Each second of this run is a minute for the rule.
    influx.write(
        points("\n".join(f"{line} @{60 * ago + 5}" for found in rounds() for ago, line in enumerate(found[:-8:-1])))
    )
    reported = {result.labels["input"]: result.kind for result in double.judged(rule_of("agent-hangs"))}
    assert reported == {"file": "Alerting"}  # `mem` cannot hang
    assert [result.kind for result in double.judged(rule_of("agent-errors"))] == ["Normal"]
