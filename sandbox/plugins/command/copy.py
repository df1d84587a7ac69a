"""remote.CopyToRemote: a file or a folder copied to another machine, over SFTP."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import ClassVar

import paramiko

from sandbox.plugins.base import (
    FILE,
    TEXT,
    Asset,
    Failure,
    Input,
    PluginError,
    Properties,
    Resource,
    fields,
)
from sandbox.plugins.command.connection import CONNECTION, connected
from sandbox.plugins.command.lifecycle import TRIGGERS


class CopyToRemote(Resource[None]):
    """https://www.pulumi.com/registry/packages/command/api-docs/remote/copytoremote/"""

    token = "command:remote:CopyToRemote"
    title = "remote.CopyToRemote"
    inputs: ClassVar = fields(
        connection=Input(CONNECTION, required=True, secret=True),
        remotePath=Input(TEXT, required=True),
        source=Input(FILE, required=True),
        triggers=TRIGGERS,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        source = inputs["source"]
        if isinstance(source, Asset) and source.path is None:
            if source.archive:
                yield Failure("source", "archive must be a path to a file or directory")
            elif source.text is None:
                yield Failure("source", "asset must be a path-based file asset or a text asset")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._copy(inputs)
        return secrets.token_hex(4), {}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        if (old["source"], old["remotePath"]) != (new["source"], new["remotePath"]):
            self._copy(new)
        return {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        """The copy stays, as with the real provider."""

    def _copy(self, inputs: Properties) -> None:
        source: Asset = inputs["source"]
        if source.path is not None and not Path(source.path).exists():
            raise PluginError(f"open {source.path}: no such file or directory")
        with connected(inputs["connection"], self) as transport:
            sftp = paramiko.SFTPClient.from_transport(transport)
            if sftp is None:
                raise PluginError(f"{inputs['connection']['host']} offers no SFTP")
            try:
                target = PurePosixPath(inputs["remotePath"])
                if source.path is None:
                    write(sftp, source.text or "", target)
                else:
                    copy(sftp, source.path, target)
            except OSError as error:
                raise PluginError(f"failed to copy to remote path {inputs['remotePath']}: {error}") from error


def copy(sftp: paramiko.SFTPClient, source: str, target: PurePosixPath) -> None:
    """Copy as the real provider does.

    A file goes into an existing folder, else it becomes `target`. A folder goes into `target`, which is made
    when it is missing; of a folder with a slash at its end only the contents do.
    """
    local = Path(source)
    if local.is_file():
        inside = _is_folder(sftp, target)
        sftp.put(str(local), str(target / local.name if inside else target))
        return
    _make_folder(sftp, target)
    if not source.endswith("/"):
        target /= local.name
        _make_folder(sftp, target)
    for path in sorted(local.rglob("*")):
        there = target / path.relative_to(local).as_posix()
        if path.is_dir():
            _make_folder(sftp, there)
        else:
            sftp.put(str(path), str(there))


def write(sftp: paramiko.SFTPClient, text: str, target: PurePosixPath) -> None:
    """Make `target` a file with this text."""
    if _is_folder(sftp, target):
        raise PluginError(
            f"remote path {target} is a directory; when using a text asset, remotePath must be a file path"
        )
    with sftp.open(str(target), "w") as handle:
        handle.write(text)


def _is_folder(sftp: paramiko.SFTPClient, path: PurePosixPath) -> bool | None:
    """Whether there is a folder; None when there is nothing."""
    try:
        return stat.S_ISDIR(sftp.stat(str(path)).st_mode or 0)
    except FileNotFoundError:
        return None


def _make_folder(sftp: paramiko.SFTPClient, path: PurePosixPath) -> None:
    there = _is_folder(sftp, path)
    if there is False:
        raise PluginError(f"remote path {path} exists but is not a directory")
    if there is None:
        sftp.mkdir(str(path))
