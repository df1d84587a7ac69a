"""The preview of a stack that exists, or that this change adds."""

from __future__ import annotations

import secrets as random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from delivery import cost, stacks
from delivery.comment import Report
from delivery.digest import parsed
from delivery.errors import DeliveryError
from delivery.pulumi import Pulumi


def preview(folder: Path, stack: str, base: str) -> Report:
    """What `pulumi up` would do to the stack; errors are in the report. base: the commit to compare costs with."""
    new = False
    try:
        pulumi = Pulumi(folder, stack)
        new = not pulumi.exists()
        with _temporary(pulumi) if new else nullcontext(pulumi) as asked:
            asked.learn_secrets()
            done, printed, said = asked.attempt("preview", "--json")
        if not printed.strip():
            return Report(stack, None, (_error(said),), new)
        found = parsed(printed)
        if not done:
            return Report(stack, None, found.errors or (_error(said),), new)
        before = None if new else stacks.file_before(folder, base, stack)
        return Report(stack, found, (), new, cost.difference(folder, stack, before))
    except DeliveryError as error:
        return Report(stack, None, (str(error),), new)


def _error(said: str) -> str:
    """The CLI's error from before the preview began."""
    return said.strip().removeprefix("error: ") or "pulumi printed nothing."


@contextmanager
def _temporary(pulumi: Pulumi) -> Iterator[Pulumi]:
    """The stack in a temporary backend: a preview may not write to the real one."""
    file = stacks.settings_file(pulumi.folder, pulumi.stack)
    before = file.read_bytes()
    provider = str(stacks.file_of(pulumi.folder, pulumi.stack).get("secretsprovider") or "passphrase")
    with tempfile.TemporaryDirectory() as scratch:
        environment = {"PULUMI_BACKEND_URL": f"file://{scratch}"}
        if provider == "passphrase":
            environment["PULUMI_CONFIG_PASSPHRASE"] = random.token_urlsafe()
        temporary = Pulumi(pulumi.folder, pulumi.stack, environment)
        try:
            temporary.ask("stack", "init", "--no-select", "--secrets-provider", provider)
            yield temporary
        finally:
            # `stack init` writes the encrypted key, or the salt of the passphrase, into the settings file.
            file.write_bytes(before)
