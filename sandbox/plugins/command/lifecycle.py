"""What local and remote commands share: which command runs when, and what happens to its output."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.plugins.base import (
    ANY,
    BOOLEAN,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    ListOf,
    MapOf,
    Output,
    Properties,
    Resource,
    fields,
)
from sandbox.plugins.errors import VerbatimError

LOGGING = ("stdout", "stderr", "stdoutAndStderr", "none")

TRIGGERS = Input(ListOf(ANY), replaces=True)
"""The SDK's documentation promises an update if an update command is given, but the SDK replaces nevertheless
(pulumi/pulumi-command issue 855)."""

COMMAND_INPUTS = {
    "addPreviousOutputInEnv": Input(BOOLEAN),
    "create": Input(TEXT),
    "delete": Input(TEXT),
    "environment": Input(MapOf(TEXT)),
    "logging": Input(TEXT),
    "stdin": Input(TEXT),
    "triggers": TRIGGERS,
    "update": Input(TEXT),
}


@dataclass
class Transcript:
    """What a running command has written so far.

    show: receives each line of the streams in `shown` as soon as it is complete.
    """

    shown: tuple[str, ...]
    show: Callable[[str], None]
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    both: bytearray = field(default_factory=bytearray)

    def add(self, stream: str, line: bytes) -> None:
        """Add a line of `stdout` or `stderr`."""
        (self.stdout if stream == "stdout" else self.stderr).extend(line)
        self.both.extend(line)
        if stream in self.shown:
            self.show(line.decode(errors="replace").rstrip("\r\n"))

    def outputs(self) -> Properties:
        """The resource's outputs: each stream without its last line break."""
        return {"stdout": _text(self.stdout), "stderr": _text(self.stderr)}

    def failure(self, reason: str, command: str) -> VerbatimError:
        """The error for a failed command, with the command and all of its output, including secrets."""
        written = self.both.decode(errors="replace")
        return VerbatimError(f"{reason}: running {_quoted(command)}:\n{written}".rstrip())


class CommandResource(Resource[None]):
    """A command each for create, update and delete. Subclasses implement how one is run."""

    # Never secret, whatever the inputs: an output is secret if the input of the same name is, and these have none
    # (ensureDefaultSecrets in infer/resource.go of pulumi-go-provider 1.3.0). The state has them in plain text.
    outputs: ClassVar = fields(stdout=Output(), stderr=Output())

    @abstractmethod
    def run(self, command: str, inputs: Properties, environment: dict[str, str], transcript: Transcript) -> None:
        """Run the command to its end. environment: the previous outputs, by variable.

        Raises VerbatimError if it cannot be run or fails.
        """

    def check(self, inputs: Properties) -> Iterable[Failure]:
        logging = inputs.get("logging")
        if logging not in (None, UNKNOWN, *LOGGING):
            yield Failure("logging", f"value must be one of: {', '.join(LOGGING)}; got: {logging}")

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        return ("stdout", "stderr") if changed else ()

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        identity = f"{self.request.name}{secrets.token_hex(4)}"
        return identity, self._run(inputs.get("create"), inputs, {})

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return self._run(new.get("update") or new.get("create"), new, old)

    def read(self, id_: str, state: Properties) -> Properties | None:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        self._run(state.get("delete"), state, state)

    def _run(self, command: str | None, inputs: Properties, previous: Properties) -> Properties:
        """Run the command, if any, and return the outputs."""
        if command is None:
            return {name: previous.get(name, "") for name in ("stdout", "stderr")}
        environment = {}
        if inputs.get("addPreviousOutputInEnv", True):
            for stream in ("stdout", "stderr"):
                if previous.get(stream):
                    environment[f"PULUMI_COMMAND_{stream.upper()}"] = str(previous[stream])
        shown = {"none": (), "stdout": ("stdout",), "stderr": ("stderr",)}
        transcript = Transcript(shown.get(inputs.get("logging", ""), ("stdout", "stderr")), self.status)
        self.run(command, inputs, environment, transcript)
        return transcript.outputs()


def _text(data: bytearray) -> str:
    return data.decode(errors="replace").removesuffix("\n")


def _quoted(command: str) -> str:
    """The command in one line, quoted as by Go."""
    escaped = command.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
