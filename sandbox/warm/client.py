"""Stands in for the interpreter: `python -I -S client.py PYTHON FOLDER ARGUMENTS…`.

Passes programs and plugins to the process that has imported what they need, and waits until they end. PYTHON runs
everything else, and everything if that process no longer exists. This imports built-in modules only, as it is started
six times per CLI command.
"""

import _signal  # type: ignore[import-not-found] # `signal` is a slow wrapper around it
import _socket
import os
import sys
from array import array

PROGRAM, PLUGIN = "pulumi-language-python-exec", "launch.py"
"""The script with which Pulumi's language host runs a program, and the one that starts a stand-in (sandbox/plugins)."""


def server_of(arguments: list[str]) -> str:
    """The name of the socket of the process that serves these arguments; "" if PYTHON runs them."""
    if not arguments:
        return ""
    if arguments[:2] == ["-m", "pip"] or arguments[0].endswith(f"/{PROGRAM}"):
        return "programs"
    if arguments[:1] == ["-P"] and arguments[1].endswith(f"/plugins/{PLUGIN}"):
        return "plugins"
    return ""


def main(python: str, folder: str, arguments: list[str]) -> int:
    name = server_of(arguments)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        if not name:
            raise ConnectionRefusedError
        connection.connect(f"{folder}/{name}")
    except OSError:
        os.execv(python, [python, *arguments])  # noqa: S606 - the same program, without a shell
    # Ctrl-C must end this process, and with it the process that it stands in for.
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGINT})
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    here = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all else
    fields = [here, str(os.getpriority(os.PRIO_PROCESS, 0)), str(len(arguments)), *arguments, *variables]
    message = b"\0".join(map(os.fsencode, fields))
    streams = array("i", [0, 1, 2])
    connection.sendmsg([len(message).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    while message:
        message = message[connection.send(message) :]
    return waited(connection)


def waited(connection: "_socket.socket") -> int:
    """The exit status of the process; 1 if the process that forked it is gone, or this one's parent."""
    parent = os.getppid()
    connection.settimeout(1)
    while os.getppid() == parent:
        try:
            return int(connection.recv(16) or 1)
        except TimeoutError:
            continue
    return 1


if __name__ == "__main__":
    os._exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
