"""A stack's preview, whether it exists or is added by this change."""

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
    """What `pulumi up` would do to the stack. What stops it is in the report, too. base: the commit to compare costs
    with."""
    new = False
    try:
        pulumi = Pulumi(folder, stack)
        new = not pulumi.exists()
        with _for_nothing(pulumi) if new else nullcontext(pulumi) as asked:
            asked.learn()
            done, printed, said = asked.try_("preview", "--json")
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
    """What the CLI printed before it began."""
    return said.strip().removeprefix("error: ") or "pulumi printed nothing."


@contextmanager
def _for_nothing(pulumi: Pulumi) -> Iterator[Pulumi]:
    """The stack in a temporary backend: a preview may not write to the real one."""
    file = stacks.settings_file(pulumi.folder, pulumi.stack)
    before = file.read_bytes()
    provider = str(stacks.file_of(pulumi.folder, pulumi.stack).get("secretsprovider") or "passphrase")
    with tempfile.TemporaryDirectory() as scratch:
        environment = {"PULUMI_BACKEND_URL": f"file://{scratch}"}
        if provider == "passphrase":
            environment["PULUMI_CONFIG_PASSPHRASE"] = random.token_urlsafe()
        thrown_away = Pulumi(pulumi.folder, pulumi.stack, environment)
        try:
            thrown_away.ask("stack", "init", "--no-select", "--secrets-provider", provider)
            yield thrown_away
        finally:
            # The CLI writes the key's or the passphrase's mark into the settings.
            file.write_bytes(before)
