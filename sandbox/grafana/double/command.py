"""The `grafana` command: `grafana server`, `grafana cli admin …`, `grafana --version`.

https://grafana.com/docs/grafana/latest/cli/
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from . import server
from .configuration import Configuration
from .database import Database
from .errors import ApiError, ConfigurationError
from .settings import Settings
from .users import create_administrator, set_password
from .version import VERSION

DEFAULT_HOME = "/usr/share/grafana"
FIRST_ADMINISTRATOR = 1


def main(arguments: Sequence[str]) -> int:
    """Run a command line (without the program's name) and return the exit status."""
    parser = _parser()
    known, rest = parser.parse_known_args(arguments)
    unknown = [text for text in rest if not text.startswith("cfg:")]
    if unknown:
        parser.error(f"unknown argument: {unknown[0]}")
    if known.version:
        print(f"grafana version {VERSION} (local stand-in)")
        return 0
    try:
        if known.command == "server":
            return _server(known, rest)
        if known.command == "cli":
            return _cli(known, rest)
    except ConfigurationError as error:
        print(f"Error: ✗ {error}", file=sys.stderr)
        return 1
    parser.print_help()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("grafana", description="Grafana server and command line interface (stand-in)")
    parser.add_argument("-v", "--version", action="store_true")
    commands = parser.add_subparsers(dest="command")
    _common(serving := commands.add_parser("server", help="run the grafana server"))
    serving.add_argument("--pidfile", "-pidfile", type=Path)
    serving.add_argument("--packaging", "-packaging", default="unknown")
    serving.add_argument("-v", dest="version", action="store_true", default=argparse.SUPPRESS)
    _common(cli := commands.add_parser("cli", help="run the grafana cli"))
    cli.add_argument("--configOverrides", default="")
    cli.add_argument("--pluginsDir", default="")
    cli.add_argument("-v", "--version", dest="version", action="store_true", default=argparse.SUPPRESS)
    groups = cli.add_subparsers(dest="group")
    actions = groups.add_parser("admin", help="Grafana admin commands").add_subparsers(dest="action")
    reset = actions.add_parser("reset-admin-password", help="reset-admin-password <new password>")
    reset.add_argument("--password-from-stdin", action="store_true")
    reset.add_argument("--user-id", type=int, default=FIRST_ADMINISTRATOR)
    reset.add_argument("password", nargs="?", default="")
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--homepath", "-homepath", default=DEFAULT_HOME, help="path to Grafana's installation")
    parser.add_argument("--config", "-config", default="", help="path to the configuration file")


def _settings(known: argparse.Namespace, overrides: Sequence[str]) -> Settings:
    home = Path(known.homepath)
    defaults = home / "conf" / "defaults.ini"
    custom = Path(known.config) if known.config else home / "conf" / "custom.ini"
    if known.config and not custom.is_file():
        raise ConfigurationError(f"could not find config file: {custom}")
    files = [defaults, *([custom] if custom.is_file() else [])]
    own_home = f"cfg:default.paths.home={home}"
    return Settings.from_configuration(Configuration.read(files, [own_home, *overrides]))


def _server(known: argparse.Namespace, overrides: Sequence[str]) -> int:
    settings = _settings(known, overrides)
    server.prepare_logging(settings)
    return server.serve(settings, known.pidfile)


def _cli(known: argparse.Namespace, overrides: Sequence[str]) -> int:
    if known.group != "admin" or known.action != "reset-admin-password":
        raise ConfigurationError("this stand-in's cli knows only: admin reset-admin-password")
    settings = _settings(known, [*shlex.split(known.configOverrides), *overrides])
    password = sys.stdin.readline().rstrip("\r\n") if known.password_from_stdin else known.password
    if not password:
        raise ConfigurationError("the new password is missing: pass it as an argument or with --password-from-stdin")
    database = Database(settings.database_file)
    try:
        # As in Grafana, the command also works before the server's first start.
        create_administrator(database, settings)
        user = database.row("SELECT login FROM user WHERE id = ?", known.user_id)
        if user is None:
            raise ConfigurationError(f"could not read user {known.user_id} from {settings.database_file}")
        set_password(database, known.user_id, password)
    except ApiError as error:
        raise ConfigurationError(str(error)) from None
    finally:
        database.close()
    print("Admin password changed successfully ✔")
    return 0
