"""The process with packages already imported: `python server.py FOLDER NAME` listens on the socket NAME in FOLDER until
its standard input ends.

For plugins, it imports the stand-ins and loads boto3's service models. For programs, it starts without any imports and
adds the modules of installed packages and the standard library that earlier programs used, but never modules next to a
program, so that each run reads the current program.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parents[2]
INSTALLED = tuple(dict.fromkeys((sys.prefix, sys.base_prefix)))


@dataclass
class Run:
    """A client's request, and the connection to the client."""

    connection: socket.socket
    folder: str
    nice: int
    arguments: list[str]
    variables: dict[str, str]
    streams: list[int]
    used: bytearray = field(default_factory=bytearray)

    @classmethod
    def received(cls, connection: socket.socket) -> Run:
        size, streams, _, _ = socket.recv_fds(connection, 4, 3)
        message = bytearray()
        while len(message) < int.from_bytes(size, "big"):
            piece = connection.recv(1 << 16)
            if not piece:
                raise ConnectionError("a client disconnected before it said what to run")
            message += piece
        folder, nice, number, *rest = map(os.fsdecode, bytes(message).split(b"\0"))
        arguments, variables = rest[: int(number)], rest[int(number) :]
        return cls(
            connection,
            folder,
            int(nice),
            arguments,
            dict(each.split("=", 1) for each in variables),
            streams,
        )


class Server:
    """Forks a process for each run, and learns from programs."""

    def __init__(self, path: Path, *, learns: bool) -> None:
        self.learns = learns
        self.waiting = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(128)
        self.waiting.register(self.listener, selectors.EVENT_READ, self.accept)
        self.waiting.register(sys.stdin, selectors.EVENT_READ, sys.exit)

    def serve(self) -> NoReturn:
        gc.freeze()
        gc.disable()
        while True:
            for key, _ in self.waiting.select():
                key.data()

    def accept(self) -> None:
        connection, _ = self.listener.accept()
        try:
            run = Run.received(connection)
        except (ConnectionError, ValueError):
            connection.close()
            return
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            self.waiting.close()
            self.listener.close()
            os.close(reading)
            perform(run, writing if self.learns else None)
        os.close(writing)
        for stream in run.streams:
            os.close(stream)
        self.waiting.register(reading, selectors.EVENT_READ, lambda: self.learn(reading, run))
        ended = os.pidfd_open(process)
        self.waiting.register(ended, selectors.EVENT_READ, lambda: self.reap(ended, process, run))

    def reap(self, ended: int, process: int, run: Run) -> None:
        self.waiting.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        with suppress(OSError):  # the client ended first, and with it its process
            run.connection.send(str(code if code >= 0 else 128 - code).encode())
        run.connection.close()

    def learn(self, reading: int, run: Run) -> None:
        """Import what a program has used, once it has ended."""
        piece = os.read(reading, 1 << 16)
        run.used += piece
        if piece:
            return
        self.waiting.unregister(reading)
        os.close(reading)
        known = set(loaded())
        for name in run.used.decode().split():
            if name in known:
                continue
            # If a module cannot be imported here, the next program tries again and reports the error.
            with suppress(Exception):
                # The SDKs' packages are lazy modules, which load on first use.
                getattr(importlib.import_module(name), "__doc__", None)
        gc.freeze()


def perform(run: Run, used: int | None) -> NoReturn:
    """Become the requested process. used: the pipe for the names of the modules that it has imported, if wanted."""
    for target, stream in enumerate(run.streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(run.variables)
    os.chdir(run.folder)
    os.setpriority(os.PRIO_PROCESS, 0, run.nice)
    os.setpgid(0, 0)
    threading.Thread(target=end_with, args=(run.connection,), daemon=True, name="watch-client").start()
    gc.enable()
    code, before = 1, set(loaded())
    try:
        execute(run.arguments)
        code = 0
    except SystemExit as end:
        code = status(end)
    except BaseException:  # as the interpreter does at its end
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined] # as multiprocessing does in its forks
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        if used is not None:
            with os.fdopen(used, "w") as pipe:
                pipe.write("\n".join(name for name in loaded() if name not in before))
        os._exit(code)


def execute(arguments: list[str]) -> None:
    """Run a script or a module (`-m`) as the interpreter would."""
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, "")
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    isolated = arguments[0] == "-P"
    script, *_ = sys.argv = arguments[isolated:]
    if not isolated:
        sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


def status(end: SystemExit) -> int:
    """The status with which the interpreter would exit."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def loaded() -> list[str]:
    """The imported modules of the standard library and of packages, but not of the program, in import order: asyncio
    breaks if the C module that it uses is imported before it."""
    return [
        name
        for name, module in list(sys.modules.items())
        # Until the SDKs' lazy modules load, they are of another class.
        if type(module) is ModuleType and str(getattr(module, "__file__", None)).startswith(INSTALLED)
    ]


def end_with(connection: socket.socket) -> NoReturn:
    """End when the client does, together with the commands that this process runs, as the engine would signal a
    plugin's whole process group."""
    connection.recv(1)
    os.killpg(0, signal.SIGINT)
    os._exit(1)


def import_stand_ins() -> None:
    sys.path.insert(0, str(CHECKOUT))
    from sandbox.plugins import install, launch  # noqa: PLC0415 - programs must not see this checkout's packages

    names = list(install.PACKAGES)
    launch.without_the_sdk()
    importlib.import_module("sandbox.plugins.server")
    for name in names:
        importlib.import_module(f"sandbox.plugins.{name}.provider")
    importlib.import_module("sandbox.plugins.aws.client").read_models()


if __name__ == "__main__":
    sys.path.pop(0)
    if sys.argv[2] == "plugins":
        import_stand_ins()
    Server(Path(sys.argv[1]) / sys.argv[2], learns=sys.argv[2] == "programs").serve()
