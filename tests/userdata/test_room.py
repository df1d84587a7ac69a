"""When InfluxDB is restarted because its volume was full: the script, with fake commands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from userdata.templates import FOLDER

COMMANDS = {
    "systemctl": 'case "$*" in *is-active*) exit "$STOPPED" ;; *InvocationID*) echo this-run ;;'
    ' *) echo "$*" >>"$DONE" ;; esac',
    # It exits with status 1 if nothing matches, as the real one.
    "journalctl": 'case "$*" in *=this-run) exit "$SILENT" ;; *) exit 0 ;; esac',
    "df": 'printf "Use%% IUse%%\\n %s%%  %s%%\\n" "$USED" "$FILES"',
}


@pytest.mark.parametrize(
    ("stopped", "silent", "full", "restarted"),
    [
        pytest.param(0, 0, (60, 1), True, id="there is room again"),
        pytest.param(0, 0, (100, 1), False, id="still full"),
        pytest.param(0, 0, (60, 100), False, id="room for data, not for files"),
        pytest.param(0, 1, (60, 1), False, id="this run never found it full"),
        pytest.param(3, 0, (60, 1), False, id="stopped on purpose"),
    ],
)
def test_influxdb_is_restarted_only_if_that_helps(
    tmp_path: Path, stopped: int, silent: int, full: tuple[int, int], restarted: bool
) -> None:
    for name, content in COMMANDS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{content}\n")
        (tmp_path / name).chmod(0o755)
    done = tmp_path / "done"
    environment = {
        **{"PATH": f"{tmp_path}:/usr/bin:/bin", "DONE": str(done)},
        **{"STOPPED": str(stopped), "SILENT": str(silent), "USED": str(full[0]), "FILES": str(full[1])},
    }
    run = subprocess.run(
        ["bash", FOLDER / "server/room.sh"], env=environment, capture_output=True, text=True, check=False, timeout=20
    )
    assert run.returncode == 0, run.stderr
    assert (done.read_text() if done.exists() else "") == ("restart influxdb\n" if restarted else "")
    assert ("restarting InfluxDB" in run.stdout) == restarted
