"""The framework of the stand-in plugins: resources are declared as classes, and `server.serve` speaks the protocol.

A plugin is a package `sandbox/plugins/NAME/` whose `__main__.py` calls `server.serve(TheProvider())`. Its resources
declare their inputs and outputs, and do their work with plain Python values::

    class Note(Resource[Folder]):
        token = "notes:index:Note"
        title = "Note"                                    # its name in error messages
        inputs = fields(
            name=Input(TEXT, auto_name=True, replaces=True),
            body=Input(TEXT, required=True, secret=True),
            tags=Input(MapOf(TEXT)),
        )
        outputs = fields(size=Output(), digest=Output(secret=True))

        def create(self, inputs):                         # -> (id, outputs that are not inputs)
            self.status("writing")                        # shown next to the resource while it runs
            self.client.write(inputs["name"], inputs["body"])
            return inputs["name"], {"size": len(inputs["body"]), "digest": ...}

        def read(self, id_, state):                       # -> current inputs and outputs, None if gone
            ...
        def update(self, id_, old, new):                  # -> outputs; old: state, new: inputs
            ...
        def delete(self, id_, state):                     # no error if it is gone already
            ...

    class Notes(Provider[Folder]):
        package, distribution = "notes", "pulumi-notes"
        config = fields(path=Input(TEXT, required=True))
        resources = (Note,)
        functions = (Function("notes:index/count:count", {}, lambda folder, args: {"count": ...}),)

        def configure(self, config):                      # -> the client that resources get
            return Folder(config["path"])

The framework does the rest. It

- refuses unknown, missing and mistyped inputs in Check, and fills in defaults and names;
- keeps secrets secret, in outputs and error messages, too, and passes unknown values through previews;
- reports to the engine what changed and what must be replaced, and honours `ignoreChanges`;
- turns drift found by `read` into changed inputs: a key that `read` leaves out keeps its input, and a returned `"id"`
  replaces the id (for imports);
- runs requests concurrently, each in a thread, and reports any error in one line.

Integers arrive as int. Raise `PluginError("what failed and what to do")` for the user's mistakes, and `IncompleteError`
if the resource exists but is not as it should be. tests/sandbox/plugins/test_base.py runs this example.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import ClassVar, Generic, Protocol, TypeVar

from sandbox.plugins.errors import IncompleteError, PluginError
from sandbox.plugins.schema import (
    ANY,
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    Failure,
    Input,
    ListOf,
    MapOf,
    ObjectOf,
    Output,
    fields,
)
from sandbox.plugins.wire import UNKNOWN, Properties

__all__ = [
    "ANY",
    "BOOLEAN",
    "INTEGER",
    "JSON",
    "NUMBER",
    "TEXT",
    "UNKNOWN",
    "Failure",
    "Function",
    "IncompleteError",
    "Input",
    "ListOf",
    "MapOf",
    "ObjectOf",
    "Output",
    "PluginError",
    "Properties",
    "Provider",
    "Request",
    "Resource",
    "fields",
    "unique_name",
]

Client = TypeVar("Client")


class Say(Protocol):
    """Sends a line to the engine."""

    def __call__(self, message: str, *, transient: bool) -> None:
        """transient: as a status that the next one overwrites, instead of a message that stays."""


def _say_nothing(message: str, *, transient: bool) -> None:
    return


@dataclass
class Request:
    """The engine's request, without its properties. timeout: seconds, 0 if the user set none."""

    urn: str
    preview: bool = False
    timeout: float = 0
    say: Say = _say_nothing
    cancelled: Event = field(default_factory=Event)
    status_shown: bool = False

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rsplit("::", 1)[-1]


class Resource(Generic[Client]):
    """A resource type. An instance of the class lives for one request, in a thread of its own.

    token: such as `aws:ec2/instance:Instance`.  title: the name in messages.
    delete_before_replace: the old resource must be deleted before the new one can be created.
    """

    token: ClassVar[str]
    title: ClassVar[str]
    inputs: ClassVar[Mapping[str, Input]]
    outputs: ClassVar[Mapping[str, Output]] = {}
    delete_before_replace: ClassVar[bool] = False

    def __init__(self, client: Client, request: Request) -> None:
        self.client = client
        self.request = request

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """Mistakes that the declarations in `inputs` do not cover. Values may be UNKNOWN."""
        return ()

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Create it; return its id and outputs. Inputs are added to these, unless they are among them."""
        raise NotImplementedError

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Return its current inputs and outputs, None if it is gone. state: {} for an import."""
        raise NotImplementedError

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Change it in place and return its outputs. old: inputs and outputs; new: the desired inputs."""
        raise NotImplementedError

    def delete(self, id_: str, state: Properties) -> None:
        """Delete it. It is no error if it is gone already."""
        raise NotImplementedError

    def replaces(self, name: str, old: Properties, new: Properties, *, declared: bool) -> bool:
        """Whether a change of the top-level input `name` requires a new resource. declared: what `inputs` says."""
        return declared

    def derived(self, inputs: Properties) -> Properties:
        """Outputs that follow from the inputs and the provider: known in previews, compared in diffs."""
        return {}

    def stale(self, state: Properties, inputs: Properties) -> Mapping[str, bool]:
        """Properties that require an update although no input changed. True: they require a new resource."""
        return {}

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        """Outputs that an update of the changed inputs can change. They are unknown in its preview."""
        return ()

    def status(self, message: str) -> None:
        """Show a status next to the resource, until the next status or the end."""
        self.request.status_shown = True
        self.request.say(message, transient=True)

    def info(self, message: str) -> None:
        """Print a line that stays."""
        self.request.say(message, transient=False)

    def pause(self, seconds: float) -> None:
        """Wait. Raises PluginError if the user interrupts the run."""
        if self.request.cancelled.wait(seconds):
            raise PluginError(f"{self.title}: interrupted while waiting")


@dataclass(frozen=True)
class Function(Generic[Client]):
    """A function that programs call, such as `aws.ec2.get_ami`.

    run: (client, arguments) -> results.  secrets: names of the results that are secret.
    """

    token: str
    inputs: Mapping[str, Input]
    run: Callable[[Client, Properties], Properties]
    secrets: frozenset[str] = frozenset()


class Provider(Generic[Client]):
    """A plugin.

    package: as in tokens.  distribution: the SDK's name on the package index; the plugin has the SDK's version.
    config: the provider's settings; a change of one with `replaces` requires a new provider, hence new resources.
    """

    package: ClassVar[str]
    distribution: ClassVar[str]
    config: ClassVar[Mapping[str, Input]] = {}
    resources: Sequence[type[Resource[Client]]] = ()
    functions: Sequence[Function[Client]] = ()

    @property
    def version(self) -> str:
        """The plugin's version, which must equal the SDK's.

        Read from the name of the SDK's folder (packaging.python.org, "Recording installed projects"), because
        importlib.metadata imports Python's email package, which took a sixth of the CPU time of the smallest plugin's
        start.
        """
        name = self.distribution.replace("-", "_")
        found = (folder for part in sys.path for folder in Path(part).glob(f"{name}-*.dist-info"))
        return next(found).stem.removeprefix(f"{name}-")

    def check_config(self, config: Properties) -> Iterable[Failure]:
        """Mistakes that the declarations in `config` do not cover. Values may be UNKNOWN."""
        return ()

    def configure(self, config: Properties) -> Client:
        """Create the client that resources and functions use. Called once, before them."""
        raise NotImplementedError

    def explain(self, error: Exception) -> str:
        """One line for an error that is not a PluginError."""
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def unique_name(logical_name: str, seed: bytes) -> str:
    """A generated name. It is the same for the same seed, because preview and run must agree."""
    digits = hashlib.sha256(seed or os.urandom(16)).hexdigest()[:7]
    return f"{logical_name}-{digits}"
