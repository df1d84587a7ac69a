"""What `restore undo` removes: the script in a temporary folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from userdata.templates import FOLDER


def test_undo_removes_the_databases_but_not_the_package_s_plugins(tmp_path: Path) -> None:
    data = {"/srv/monitoring": "volume", "/var/lib/influxdb": "influxdb", "/var/lib/grafana": "grafana"}
    script = (FOLDER / "server/restore.sh").read_text().replace(". /etc/monitoring/backup", ":")
    for place, name in data.items():
        (tmp_path / name).mkdir()
        script = script.replace(place, str(tmp_path / name))
    kept = tmp_path / "grafana/plugins-bundled/influxdb/plugin.json"
    kept.parent.mkdir(parents=True)
    gone = [tmp_path / name for name in ("grafana/grafana.db", "grafana/grafana.db-wal", "volume/restoring")]
    for file in (kept, *gone):
        file.touch()
    for folder in ("influxdb/data", "influxdb/meta", "volume/restore.x"):
        gone.append(tmp_path / folder)
        gone[-1].mkdir()
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho $* >>{tmp_path}/asked\n")
    systemctl.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", script, "restore", "undo"], env=path, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text() == "stop influxdb grafana-server\n"
    assert [file for file in gone if file.exists()] == []
    assert kept.exists()
