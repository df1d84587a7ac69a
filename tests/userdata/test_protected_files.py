"""docs/security.md's table of who reaches what on the server is complete, whatever the settings.

tests/live/test_reach.py tries what it says on a running server, with one set of settings.
"""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PUT = re.compile(r"(?:\bput|install -m) ([0-7]?[0-7]{3}) +(?:-o \S+ -g \S+ )?(\S+) ?(\S*)")


def protected() -> set[str]:
    """The files that the boot script and its parts write to the server and that not everyone can read."""
    found = set()
    for script in (PROJECT / "userdata/boot.sh", *(PROJECT / "userdata/server").glob("*.sh")):
        for mode, first, second in PUT.findall(script.read_text()):
            path = (first if first.startswith("/") else second).replace("$here", "/etc/monitoring")
            if mode[-1] == "0" and path.startswith("/etc/"):
                found.add(path)
    return found


def test_every_protected_file_is_in_the_table() -> None:
    page = (PROJECT / "docs/security.md").read_text()
    table = page.partition("<!-- reach -->")[2].partition("<!-- /reach -->")[0]
    named = set(re.findall(r"^\| `(/[^`]+)`", table, re.MULTILINE))
    assert {"/etc/default/telegraf", "/etc/influxdb/server-key", "/etc/grafana/oauth-secret"} < protected()
    assert protected() <= named
