"""remote.Command: commands on another machine, over SSH."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import paramiko

from sandbox.plugins.base import Input, Properties, fields
from sandbox.plugins.command.connection import CONNECTION, connected
from sandbox.plugins.command.lifecycle import COMMAND_INPUTS, CommandResource, Transcript
from sandbox.plugins.errors import VerbatimError


class RemoteCommand(CommandResource):
    """https://www.pulumi.com/registry/packages/command/api-docs/remote/command/"""

    token = "command:remote:Command"
    title = "remote.Command"
    inputs: ClassVar = fields(connection=Input(CONNECTION, required=True, secret=True), **COMMAND_INPUTS)

    def run(self, command: str, inputs: Properties, environment: dict[str, str], transcript: Transcript) -> None:
        with connected(inputs["connection"], self) as transport:
            channel = transport.open_session()
            for name, value in (inputs.get("environment") or {}).items():
                if not _set_variable(channel, name, value):
                    self.info(_refused(name))
                    raise VerbatimError(f'could not set environment variable "{name}": ssh: setenv failed')
            for name, value in environment.items():
                if not _set_variable(channel, name, value):
                    self.info(_refused(name))
            status = self._execute(channel, command, inputs.get("stdin", ""), transcript)
            if status:
                raise transcript.failure(status, command)

    def _execute(self, channel: paramiko.Channel, command: str, stdin: str, transcript: Transcript) -> str:
        """Run the command. Returns why it failed, "" if it succeeded."""
        channel.exec_command(command)
        lock = threading.Lock()

        def record(stream: str) -> None:
            pipe = channel.makefile("rb") if stream == "stdout" else channel.makefile_stderr("rb")
            for line in pipe:
                with lock:
                    transcript.add(stream, line)

        def feed() -> None:
            try:
                channel.sendall(stdin.encode())
                channel.shutdown_write()
            except OSError:
                pass  # a command does not have to read its input

        threads = [threading.Thread(target=record, args=(stream,)) for stream in ("stdout", "stderr")]
        threads.append(threading.Thread(target=feed))
        for thread in threads:
            thread.start()
        reason = self._wait(channel)
        for thread in threads:
            thread.join()
        return reason

    def _wait(self, channel: paramiko.Channel) -> str:
        """Wait for the end, however long. As in the real provider, neither `customTimeouts` nor an interruption of the
        run ends the wait, because `session.Run` takes no context."""
        channel.status_event.wait()
        if channel.exit_status == -1:
            return "wait: remote command exited without exit status or exit signal"
        return f"Process exited with status {channel.exit_status}" if channel.exit_status else ""


def _set_variable(channel: paramiko.Channel, name: str, value: str) -> bool:
    """Ask the server to set a variable (RFC 4254, 6.4). Returns whether it did.

    Channel.set_environment_variable does not wait for the answer, and servers refuse most names.
    """
    message = paramiko.Message()
    message.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("env")
    message.add_boolean(True)
    message.add_string(name)
    message.add_string(value)
    internals: Any = channel
    internals._event_pending()
    internals.transport._send_user_message(message)
    try:
        internals._wait_for_event()
    except paramiko.SSHException:
        return False
    return True


def _refused(name: str) -> str:
    return (
        f"Unable to set '{name}'. This only works if your SSH server is configured to accept these variables via "
        "AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix "
        "the command itself with the variables in the form 'VAR=value command'"
    )
