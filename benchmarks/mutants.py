"""Which lines of the program can be broken without a failing test? Breaks them one by one, and counts.

    python -m benchmarks.mutants [--sample 40] [--minutes 30] [FILE…]

Prints each change that no unit test noticed, and the noticed share per file. Works in a copy; the tests run in forks of
one process that has imported the providers' SDKs, which would otherwise take most of a run's time. Existing tools
change neither strings nor files in other languages than Python, but queries and rendered files are what matters here.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from benchmarks.changes import Change, changes
from tools.command import run

CHECKOUT = Path(__file__).parent.parent

SETTINGS = tuple(
    f"tests/settings/test_{name}.py"
    for name in ("settings", "hosts", "influxdb", "region", "documented", "wrong_settings", "nonsense", "free_text")
)
OF_ALERTS, OF_METRICS, OF_CERTIFICATES = (
    f"tests/settings/test_{name}.py" for name in ("alerting", "metrics", "certificates")
)
RUNS = tuple(
    f"tests/components/test_{name}.py"
    for name in (
        *("options", "program", "hardening", "network", "identities", "parameters", "secrets", "gates"),
        *("authority", "server", "grafana_content"),
    )
)
"""The whole program against Pulumi's mocks."""

TESTS = {
    "settings/shown.py": ("tests/settings/test_secrets_in_mistakes.py", "tests/settings/test_enormous_values.py"),
    "settings/stack_name.py": ("tests/settings/test_stack_name.py",),
    "settings/units.py": (OF_METRICS,),
    "settings/metrics.py": (OF_METRICS,),
    "settings/mute_timings.py": ("tests/settings/test_mute_timings.py",),
    "settings/mail.py": ("tests/settings/test_mail.py", *SETTINGS),
    "settings/alerting.py": (OF_ALERTS, *SETTINGS),
    "settings/backups.py": ("tests/settings/test_backups.py", *SETTINGS),
    "settings/certificates.py": (OF_CERTIFICATES, *SETTINGS),
    "settings/ssh_keys.py": ("tests/settings/test_ssh_keys.py", *SETTINGS),
    "settings/hosts_file.py": ("tests/settings/test_hosts_file.py", "tests/settings/test_secrets_in_mistakes.py"),
    "settings/oauth.py": ("tests/settings/test_oauth.py", "tests/components/test_oauth.py", *SETTINGS),
    "settings/accounts.py": ("tests/settings/test_accounts.py", "tests/components/test_accounts.py", *SETTINGS),
    "settings/chains.py": (OF_CERTIFICATES,),
    "settings/hosts_by_tag.py": ("tests/settings/test_hosts_by_tag.py", *SETTINGS),
    "settings/public_certificate.py": ("tests/settings/test_public_certificate.py", *SETTINGS),
    "settings/moving.py": ("tests/components/test_moving.py", *SETTINGS),
    "settings/contradictions/alerts.py": (OF_ALERTS, *SETTINGS),
    "settings/": SETTINGS,
    "userdata/server/rollup.py": ("tests/userdata/test_rollup.py",),
    "userdata/server/moving": ("tests/userdata/test_moving.py",),
    "userdata/server/influxdb_engine.py": ("tests/userdata/test_influxdb_engine.py",),
    "userdata/agent/ec2.py": ("tests/userdata/test_ec2.py",),
    "userdata/bulk.py": ("tests/userdata/test_unknown_machines.py", *RUNS),
    "userdata/": (
        *(f"tests/userdata/test_{name}.py" for name in ("render", "scripts", "agent_installer", "round_trips")),
        *RUNS,
    ),
    "program/identity.py": ("tests/components/test_identity.py",),
    "program/aws_settings.py": ("tests/components/test_aws_settings.py",),
    "program/ssh_answers.py": ("tests/components/test_ssh_answers.py",),
    "program/provider.py": ("tests/components/test_aws_settings.py", *RUNS),
    "program/accounts.py": ("tests/components/test_accounts.py", *RUNS),
    "program/policies.py": ("tests/components/test_accounts.py", *RUNS),
    "program/influx.py": ("tests/components/test_timestream.py", *RUNS),
    "program/influx_users.py": ("tests/components/test_influx_users.py", *RUNS),
    "program/engine.py": ("tests/test_influxdb_answers.py", "tests/test_another_influxdb.py"),
    "program/queries.py": ("tests/test_influxdb_answers.py", "tests/test_another_influxdb.py"),
    "program/site.py": ("tests/components/test_site.py", "tests/components/test_timestream.py"),
    "program/stored.py": ("tests/components/test_oauth.py", "tests/components/test_alerting.py", *RUNS),
    "program/way_out.py": ("tests/components/test_private.py",),
    "program/zone.py": ("tests/components/test_domain_record.py",),
    "program/key.py": ("tests/components/test_own_key.py",),
    "program/boards.py": ("tests/components/test_boards.py", *RUNS),
    "program/outputs.py": ("tests/components/test_outputs.py", *RUNS),
    "program/hosts.py": tuple(f"tests/components/test_{name}.py" for name in ("hosts_by_tag", "own_key", "agents")),
    "program/lean.py": ("tests/components/test_lean.py",),
    "program/": RUNS,
    "components/alerting.py": ("tests/components/test_alerting.py", "tests/components/test_dead_mans_switch.py", *RUNS),
    "components/agent.py": ("tests/components/test_agents.py", *RUNS),
    "components/backups.py": ("tests/components/test_backups.py", *RUNS),
    "components/dead_mans_switch.py": ("tests/components/test_dead_mans_switch.py", *RUNS),
    "components/timestream.py": ("tests/components/test_timestream.py", *RUNS),
    "components/public_certificate.py": ("tests/components/test_public_certificate.py", *RUNS),
    "components/tagged_hosts.py": ("tests/components/test_hosts_by_tag.py", "tests/components/test_own_key.py", *RUNS),
    "components/": RUNS,
    "dashboards/importing/": ("tests/dashboards/importing",),
    "dashboards/": ("tests/dashboards",),
    "alerts/": tuple(f"tests/alerts/test_{name}.py" for name in ("structure", "rules", "stories", "ec2")),
    "tools/list_backups.py": ("tests/tools/test_list_backups.py",),
    "tools/wait": ("tests/tools/test_wait_until_ready.py",),
    "tools/test_alert.py": ("tests/alerts/test_test_alert.py",),
    "tools/cost/": ("tests/tools/test_cost.py",),
    "tools/new_stack/": ("tests/tools/test_new_stack.py",),
    "tools/upgrades/": ("tests/tools/test_upgrades.py",),
    "tools/": ("tests/tools",),
    "delivery/": tuple(
        f"tests/delivery/test_{name}.py"
        for name in ["comment", "cost", "github", "life", "previews", "pulumi", "secrets", "stacks", "strange_answers"]
    ),
    "bootstrap/": ("tests/bootstrap",),
}
"""The unit tests of files: the first entry with which a file's path begins counts."""

LEFT_OUT = "not never_ends"
"""Leaves out tests that look for a traceback with hundreds of random values: they take most of the time, and notice
almost nothing."""

FILES = (
    *("settings/shown.py", "settings/given.py", "settings/contradictions/__init__.py"),
    *("settings/addresses.py", "settings/ranges.py"),
    *("userdata/boot.py", "userdata/agents.py", "userdata/server_files.py", "userdata/templates.py"),
    *("userdata/server/grafana.ini", "userdata/server/influxdb.conf"),
    *("userdata/shared/telegraf.conf", "userdata/shared/inputs.conf"),
    *("components/network.py", "components/server_role.py", "program/policies.py", "program/identity.py"),
    *(
        "alerts/facts.py",
        "alerts/hosts.py",
        "alerts/file_systems.py",
        "alerts/server.py",
        "alerts/missing.py",
        "alerts/steps.py",
    ),
    *("alerts/ec2.py", "alerts/certificate.py", "dashboards/queries.py", "dashboards/linux_overview.py"),
    *("dashboards/linux_resources.py", "dashboards/linux_traffic.py", "dashboards/cloudwatch.py"),
)
"""The files that are broken by default: a mistake in them grants access, loses data, or keeps an alert silent."""

SLOWER = 4
"""How many times longer than with the unbroken program the tests may take; a change that makes them hang is noticed."""


def tests_of(file: str, folder: Path) -> list[str]:
    """The paths of a file's tests."""
    patterns = next(tests for start, tests in TESTS.items() if file.startswith(start))
    found = [str(path.relative_to(folder)) for pattern in patterns for path in sorted(folder.glob(pattern))]
    name = Path(file).stem
    return sorted(found, key=lambda path: name not in path)  # the file's own tests first, which fail soonest


def run_tests(paths: Iterable[str], seconds: float, marks: str) -> bool:
    """Whether the tests with these marks pass in time, in a fork of this process."""
    child = os.fork()
    if not child:
        os.setsid()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        chosen = ("-x", "-q", "-m", marks, "-k", LEFT_OUT, "-p", "no:cacheprovider")
        # One file after another: if the first one notices the change, the others need not be collected.
        passed = all(pytest.main([*chosen, path]) == pytest.ExitCode.OK for path in paths)
        os._exit(0 if passed else 1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def copy_of_the_checkout(folder: Path) -> None:
    """Copy the files that git knows, with uncommitted changes, and link the Python environment."""
    known = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(known, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")


def import_what_has_no_state() -> None:
    """Import the large packages once for all forks."""
    import moto  # noqa: F401, PLC0415
    import pulumi_aws  # noqa: F401, PLC0415
    import pulumi_command  # noqa: F401, PLC0415
    import pulumi_tls  # noqa: F401, PLC0415
    import pulumiverse_grafana  # noqa: F401, PLC0415
    from grafana_foundation_sdk.models import alerting, dashboard  # noqa: F401, PLC0415


def forget_the_checkout() -> None:
    """Let the forks import the copy of what this process has imported of the checkout, as `tools` for this command."""
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        here = [place for place in places if place and Path(place).is_relative_to(CHECKOUT)]
        if name != "__main__" and any(not Path(place).is_relative_to(CHECKOUT / ".venv") for place in here):
            del sys.modules[name]


@cache
def usual_seconds(path: str, marks: str) -> float:
    """How long the tests of a path take. Raises SystemExit if they fail although nothing is broken."""
    begin = time.monotonic()
    if not run_tests([path], 1200, marks):
        raise SystemExit(
            f"{path} has no tests with these marks, or they fail without a change or take over twenty minutes."
        )
    return time.monotonic() - begin


def survivors(
    file: Path, wanted: list[Change], paths: list[str], marks: str, end: float
) -> Iterator[tuple[Change, bool]]:
    """Each change and whether the tests noticed it, until `end`."""
    original = file.read_text()
    limit = SLOWER * sum(usual_seconds(path, marks) for path in paths) + 10
    try:
        for change in wanted:
            if time.monotonic() > end:
                return
            file.write_text(change.text)
            yield change, not run_tests(paths, limit, marks)
    finally:
        file.write_text(original)


def main(arguments: list[str]) -> int:
    """Run the command, and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=FILES, metavar="FILE")
    parser.add_argument("--sample", type=int, default=40, help="changes per file, picked the same way each time")
    parser.add_argument("--minutes", type=float, default=30, help="time limit for all files together")
    parser.add_argument("--marks", default="not live", help="which tests, as pytest's -m")
    options = parser.parse_args(arguments)
    for file in options.files:
        if not (CHECKOUT / file).is_file():
            parser.error(f"{file}: there is no such file in {CHECKOUT}")
        if not any(file.startswith(start) for start in TESTS):
            parser.error(f"{file}: its tests are not known. Name a file of {', '.join(TESTS)}, or add it to TESTS")
    end = time.monotonic() + 60 * options.minutes
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    scores = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        copy_of_the_checkout(folder)
        os.chdir(folder)
        sys.path[:] = [str(folder), *(each for each in sys.path if each not in ("", str(CHECKOUT)))]
        import_what_has_no_state()
        forget_the_checkout()
        for file in options.files:
            every = list(changes(file, Path(file).read_text()))
            chosen = random.Random(file)  # noqa: S311 - the same changes each time
            picked = sorted(chosen.sample(every, min(options.sample, len(every))), key=lambda change: change.line)
            noticed = tried = 0
            for change, seen in survivors(folder / file, picked, tests_of(file, folder), options.marks, end):
                tried += 1
                noticed += seen
                if not seen:
                    print(f"{file}:{change.line}: {change.what}", flush=True)
            scores.append((file, noticed, tried, len(every)))
            print(f"# {file}: {noticed} of {tried}", flush=True)
    print(f"\n{'file':40} noticed  tried  possible")
    for file, noticed, tried, possible in scores:
        share = f"{noticed / tried:.0%}" if tried else "-"
        print(f"{file:40} {share:>7} {tried:>6} {possible:>9}")
    return 0


if __name__ == "__main__":
    run(main)
