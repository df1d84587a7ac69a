"""A decorator that replaces a function of moto's, and can restore it.

    @patch(IAMBackend, "delete_user", source="1f0c2b7a")
    def delete_user(original, self, user_name):
        ...
        original(self, user_name)

`original` is the replaced function: moto's own, or an earlier patch of it. Modelled on LocalStack's `patch`
(localstack/utils/patch.py), but nothing changes at import, and each patch records the digest of the source that it was
written for, so that a new version of moto cannot change the code underneath unnoticed.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from importlib import metadata
from typing import Any, Protocol, TypeVar

from sandbox.errors import SandboxError
from sandbox.place import Place

Function = TypeVar("Function", bound=Callable[..., Any])

ABSENT = "absent"
"""The `source` of a patch that adds what moto does not have."""


class PatchError(SandboxError):
    """moto is not the version for which the patches were written."""


class Change(Protocol):
    """A change to moto: a replaced function, or a constant with another value."""

    def fault(self) -> str | None:
        """Why this cannot be applied, or None."""

    def apply(self) -> None:
        """Make the change."""

    def undo(self) -> None:
        """Restore what was there before."""


class Setting:
    """Another value for a constant of moto's."""

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self.owner, self.name, self.value = owner, name, value
        self._before: Any = None

    def fault(self) -> str | None:
        """See Change."""
        return None if hasattr(self.owner, self.name) else f"{self.owner.__name__}.{self.name} no longer exists"

    def apply(self) -> None:
        """See Change."""
        self._before = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.value)

    def undo(self) -> None:
        """See Change."""
        setattr(self.owner, self.name, self._before)


class Patch:
    """A replaced attribute. owner: a class or module of moto's; source: see `digest`."""

    def __init__(self, owner: Any, name: str, source: str, new: Callable[..., Any]) -> None:
        self.owner, self.name, self.source, self.new = owner, name, source, new
        self._before: Any = None

    def __str__(self) -> str:
        return f"{getattr(self.owner, '__qualname__', self.owner.__name__)}.{self.name}"

    def fault(self) -> str | None:
        """See Change."""
        found = digest(self.owner, self.name)
        if found == self.source:
            return None
        where = f"{self} (patched in {self.new.__module__})"
        if self.source == ABSENT:
            return f'{where} exists now: see whether the patch is still needed; if so, source="{found}"'
        if found == ABSENT:
            return f"{where} no longer exists: find what took its place"
        return f'{where} has changed: read it, adapt the patch, then write source="{found}"'

    def apply(self) -> None:
        """See Change."""
        self._before = vars(self.owner).get(self.name, ABSENT)
        before = _function(self._before)
        bound = functools.partial(self.new, before)

        def patched(*arguments: Any, **named: Any) -> Any:
            return bound(*arguments, **named)

        functools.update_wrapper(patched, self.new if before is ABSENT else before)
        setattr(self.owner, self.name, property(patched) if isinstance(self._before, property) else patched)

    def undo(self) -> None:
        """See Change."""
        if self._before is ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self._before)


class Registry:
    """All changes to moto, in the order of their declaration."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._applied: list[Change] = []
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """The place that moto now serves, for patches that need it."""
        if self._place is None:
            raise RuntimeError("no patch is applied")
        return self._place

    def patch(self, owner: Any, name: str, *, source: str) -> Callable[[Function], Function]:
        """Declare a patch of `owner.name`, a function, method or property. source: its `digest`."""

        def register(new: Function) -> Function:
            self.changes.append(Patch(owner, name, source, new))
            return new

        return register

    def setting(self, owner: Any, name: str, value: Any) -> None:
        """Declare another value for a constant of moto's."""
        self.changes.append(Setting(owner, name, value))

    def apply(self, place: Place) -> None:
        """Apply every change, or none. Raises PatchError with all changes that do not fit."""
        faults = [fault for each in self.changes if (fault := each.fault())]
        if faults:
            version = metadata.version("moto")
            raise PatchError("\n  ".join([f"moto {version} is not the one that was patched:", *faults]))
        self._place = place
        for each in self.changes:
            each.apply()
            self._applied.append(each)

    def undo(self) -> None:
        """Restore moto as it was before `apply`."""
        while self._applied:
            self._applied.pop().undo()
        self._place = None


def digest(owner: Any, name: str) -> str:
    """The first eight hexadecimal digits of the SHA-256 of the source of `owner.name`, ABSENT if it does not exist."""
    if name not in vars(owner):
        return ABSENT
    source = inspect.getsource(_function(vars(owner)[name]))
    return hashlib.sha256(source.encode()).hexdigest()[:8]


def _function(found: Any) -> Any:
    """The function behind a property, or the function itself."""
    return found.fget if isinstance(found, property) else found


REGISTRY = Registry()
patch = REGISTRY.patch
