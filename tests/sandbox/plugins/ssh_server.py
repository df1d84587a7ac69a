"""A small SSH server on loopback, for what cannot wait for a whole machine: real protocol, real commands."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK


class Server(paramiko.ServerInterface):
    """Lets in one key and one password; accepts variables that start with LC_, as Debian's sshd does."""

    def __init__(self, key: paramiko.PKey, password: str, port_for_others: int | None = None) -> None:
        self.key, self.password, self.target = key, password, port_for_others
        self.environment: dict[str, str] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL if key == self.key else AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        return AUTH_SUCCESSFUL if password == self.password else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        accepted = name.startswith(b"LC_")
        if accepted:
            self.environment[name.decode()] = value.decode()
        return accepted

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        self.destination = destination
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._execute, args=(channel, command), daemon=True).start()
        return True

    def _execute(self, channel: paramiko.Channel, command: bytes) -> None:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | self.environment,
        )
        stdout, stderr = process.communicate(channel.makefile("rb").read())
        channel.sendall(stdout)
        channel.sendall_stderr(stderr)
        channel.send_exit_status(process.returncode)
        channel.close()


class Files(SFTPServerInterface):
    """The machine's own files."""

    def stat(self, path: str) -> SFTPAttributes | int:
        try:
            return SFTPAttributes.from_stat(Path(path).stat())
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        Path(path).mkdir()
        return SFTP_OK

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle | int:
        try:
            file = os.fdopen(os.open(path, flags, 0o644), "wb" if flags & os.O_WRONLY else "r+b")
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)
        handle = SFTPHandle(flags)
        handle.readfile = handle.writefile = file  # type: ignore[attr-defined]
        handle.stat = lambda: SFTPAttributes.from_stat(os.fstat(file.fileno()))  # type: ignore[method-assign]
        return handle


class Listener:
    """The listening side. host_key: what it shows; port: where it is."""

    def __init__(self, key: paramiko.PKey, password: str) -> None:
        self.host_key: paramiko.PKey = paramiko.ECDSAKey.generate()
        self.other_host_key: paramiko.PKey = paramiko.RSAKey.generate(2048)
        self._key, self._password = key, password
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        transport = paramiko.Transport(line)
        self._transports.append(transport)
        transport.add_server_key(self.host_key)
        transport.add_server_key(self.other_host_key)
        transport.set_subsystem_handler("sftp", SFTPServer, Files)
        server = Server(self._key, self._password)
        try:
            transport.start_server(server=server)
            while (channel := transport.accept(10)) is not None:
                if hasattr(server, "destination"):
                    self._forward(channel, server.destination)
        except (paramiko.SSHException, EOFError):
            return

    def _forward(self, channel: paramiko.Channel, destination: tuple[str, int]) -> None:
        line = socket.create_connection(destination)

        def pump(source: socket.socket | paramiko.Channel, sink: socket.socket | paramiko.Channel) -> None:
            try:
                while data := source.recv(32768):
                    sink.sendall(data)
            except OSError:
                return

        for ends in ((channel, line), (line, channel)):
            threading.Thread(target=pump, args=ends, daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody."""
        self._socket.close()
        for transport in self._transports:
            transport.close()
