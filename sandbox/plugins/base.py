"""The framework of the stand-in plugins: resources are declared as classes, and `serve` speaks the protocol.

A plugin is a package `sandbox/plugins/NAME/` whose `__main__.py` calls `server.serve(TheProvider())`. Its resources
declare their inputs and outputs, and do the work with plain Python values::

    class Note(Resource[Folder]):
        token = "notes:index:Note"
        title = "Note"                                    # as error messages call it
        inputs = fields(
            name=Input(TEXT, auto_name=True, replaces=True),
            body=Input(TEXT, required=True, secret=True),
            tags=Input(MapOf(TEXT)),
        )
        outputs = fields(size=Output(), digest=Output(secret=True))

        def create(self, inputs):                         # -> (id, the outputs that are no inputs)
            self.status("writing")                        # shown next to the resource while it runs
            self.client.write(inputs["name"], inputs["body"])
            return inputs["name"], {"size": len(inputs["body"]), "digest": ...}

        def read(self, id_, state):                       # -> inputs and outputs as they are, None if gone
            ...
        def update(self, id_, old, new):                  # -> outputs; old: state, new: inputs
            ...
        def delete(self, id_, state):                     # what is gone already is fine
            ...

    class Notes(Provider[Folder]):
        package, distribution = "notes", "pulumi-notes"
        config = fields(path=Input(TEXT, required=True))
        resources = (Note,)
        functions = (Function("notes:index/count:count", {}, lambda folder, args: {"count": ...}),)

        def configure(self, config):                      # -> the client the resources get
            return Folder(config["path"])

What the framework does with it: refuses unknown, missing and mistyped inputs in Check; fills in defaults and
names; keeps secrets secret, also in outputs and error messages; lets unknown values through previews; reports
to the engine what changed and what must be replaced; honours `ignoreChanges`; turns drift found by `read` into
changed inputs (a key `read` leaves out keeps its input; `"id"` among what it returns replaces the id, for
imports); runs requests concurrently, each in a thread; and reports any error in one line. Integers arrive
as int. Raise `PluginError("what failed and what to do")` for the user's mistakes, and `IncompleteError` when
the resource exists but is not as it should be. tests/sandbox/plugins/test_base.py runs this example.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import ClassVar, Generic, TypeVar

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


@dataclass
class Request:
    """The engine's request, besides the properties.

    timeout: seconds, 0 when the user set none.
    say: sends a line to the engine; with True it is a transient status instead of a message.
    """

    urn: str
    preview: bool = False
    timeout: float = 0
    say: Callable[[str, bool], None] = lambda message, passing: None
    cancelled: Event = field(default_factory=Event)
    status_shown: bool = False

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rsplit("::", 1)[-1]


class Resource(Generic[Client]):
    """One resource type. An instance lives for one request, in a thread of its own.

    token: as in `aws:ec2/instance:Instance`.  title: the thing's name in messages.
    delete_before_replace: the old one must be deleted before the new one can be created.
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
        """More mistakes, beyond what `inputs` declares. Values may be UNKNOWN."""
        return ()

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Create it; return its id and the outputs (inputs are added, unless given here with another value)."""
        raise NotImplementedError

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Return its inputs and outputs as they are, None when it is gone. state: {} at an import."""
        raise NotImplementedError

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Change it in place and return its outputs. old: inputs and outputs; new: the desired inputs."""
        raise NotImplementedError

    def delete(self, id_: str, state: Properties) -> None:
        """Delete it. That it is gone already is not an error."""
        raise NotImplementedError

    def replaces(self, name: str, old: Properties, new: Properties, *, declared: bool) -> bool:
        """Whether a change of the top-level input `name` requires a new resource; declared: what `inputs` says."""
        return declared

    def derived(self, inputs: Properties) -> Properties:
        """Outputs that follow from inputs and provider alone: known in previews, compared in diffs."""
        return {}

    def stale(self, state: Properties, inputs: Properties) -> Mapping[str, bool]:
        """Properties that require an update (or a new resource: True) although no input changed."""
        return {}

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        """Outputs that an update of the changed inputs may change: unknown in its preview."""
        return ()

    def status(self, message: str) -> None:
        """Show what is happening next to the resource, until the next message or the end."""
        self.request.status_shown = True
        self.request.say(message, True)

    def info(self, message: str) -> None:
        """Print a line that stays."""
        self.request.say(message, False)

    def pause(self, seconds: float) -> None:
        """Wait, or stop when the user interrupts the run."""
        if self.request.cancelled.wait(seconds):
            raise PluginError(f"{self.title}: interrupted while waiting")


@dataclass(frozen=True)
class Function(Generic[Client]):
    """A function that programs call (`aws.ec2.get_ami`): its token, its arguments and its implementation.

    run: (client, arguments) -> results.  secrets: names of results that are secret.
    """

    token: str
    inputs: Mapping[str, Input]
    run: Callable[[Client, Properties], Properties]
    secrets: frozenset[str] = frozenset()


class Provider(Generic[Client]):
    """A plugin.

    package: as in tokens.  distribution: the SDK's name on the package index; its version is the plugin's.
    config: the provider's settings; those with `replaces` require a new provider, hence new resources.
    """

    package: ClassVar[str]
    distribution: ClassVar[str]
    config: ClassVar[Mapping[str, Input]] = {}
    resources: Sequence[type[Resource[Client]]] = ()
    functions: Sequence[Function[Client]] = ()

    @property
    def version(self) -> str:
        """The plugin's version, which must equal the SDK's.

        By the name of its folder (packaging.python.org, "Recording installed projects"): importlib.metadata imports
        Python's email package, a sixth of the CPU time that the smallest plugin took to start.
        """
        name = self.distribution.replace("-", "_")
        found = (folder for part in sys.path for folder in Path(part).glob(f"{name}-*.dist-info"))
        return next(found).stem.removeprefix(f"{name}-")

    def check_config(self, config: Properties) -> Iterable[Failure]:
        """More mistakes in the settings, beyond what `config` declares. Values may be UNKNOWN."""
        return ()

    def configure(self, config: Properties) -> Client:
        """Create what resources and functions work with; called once, before them."""
        raise NotImplementedError

    def explain(self, error: Exception) -> str:
        """One line for an error that is not a PluginError."""
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def unique_name(logical_name: str, seed: bytes) -> str:
    """The name of a resource that was given none: the same for the same seed, because preview and run must agree."""
    digits = hashlib.sha256(seed or os.urandom(16)).hexdigest()[:7]
    return f"{logical_name}-{digits}"
