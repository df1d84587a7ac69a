"""A small SSH server on loopback, for tests without a machine. Protocol and commands are real."""

from __future__ import annotations

import os
import socket
import subprocess
import threading

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED


class Server(paramiko.ServerInterface):
    """Accepts one key, one password and, like Debian's sshd, variables that start with LC_."""

    def __init__(self, key: paramiko.PKey, password: str) -> None:
        self.key, self.password = key, password
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


def stop(listening: socket.socket) -> None:
    """Close the socket, even if a thread waits for the next connection."""
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


class Listener:
    """The listening side. host_key: the key that it prefers; other_host_key: another one; port: its own."""

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
        server = Server(self._key, self._password)
        try:
            transport.start_server(server=server)
            channels = []  # paramiko closes a channel without references
            while (channel := transport.accept(10)) is not None:
                channels.append(channel)
        except (paramiko.SSHException, EOFError):
            return

    def close(self) -> None:
        """Close the socket and all connections."""
        stop(self._socket)
        for transport in self._transports:
            transport.close()


class Mute:
    """A port that accepts connections and sends nothing, or what `says` contains. hang_up: close after that."""

    def __init__(self, says: str | None = None, *, hang_up: bool = True, port: int = 0) -> None:
        self._says, self._hang_up = says, hang_up
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self.connections: list[socket.socket] = []

    def __enter__(self) -> Mute:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.connections.append(line)
            if self._says is not None:
                line.sendall(self._says.encode())
                if self._hang_up:
                    line.shutdown(socket.SHUT_WR)

    def __exit__(self, *_: object) -> None:
        stop(self._socket)
        for line in self.connections:
            line.close()
