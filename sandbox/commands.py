"""What `make up`, `preview`, `status`, `password`, `shell`, `down`, `pictures` and `test` do."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sandbox import daemons, hosts, machines, operator, repository, screen, stack, suite, toolchain
from sandbox.errors import SandboxError
from sandbox.locks import locked
from sandbox.machines import image, network, volumes
from sandbox.place import Place, cache_folder
from sandbox.plugins import install as plugins
from sandbox.progress import console, step
from sandbox.viewer import bundle, comments
from sandbox.viewer.pictures import pictures as draw

ANY_SPACE, STATE_SPACE, CACHE_SPACE = 100, 1000, 2000
"""MiB of free disk space: for any command; for an environment (measured: 620 with three machines); for the programs,
image and packages in the cache (measured: 1,500)."""

FIRST_DATA_SECONDS = 120
"""How long a new agent's first measurements can take: two intervals, plus its start on a machine with five others."""


def up(place: Place, _: list[str]) -> int:
    """Raise the environment, or update the one that is up; ends with the screen of `status`."""
    name = stack.name()
    with exclusively(place):
        if daemons.complete(place):
            console.print("The local environment is up; updating it to match this checkout.")
        start_cloud(place)
        start_machines(place, name)
        stack.prepare(place, name)
        stack.release_lock(place, name)
        console.print(f"\n[bold]pulumi up[/bold] (stack {name})")
        stack.pulumi(place, "up", "--yes", "--skip-preview", "--stack", name)
        start_viewer(place)
    return screen.show(place, name, patience=FIRST_DATA_SECONDS)


def preview(place: Place, arguments: list[str]) -> int:
    """Show what `make up` would change. Starts the local AWS if it is not up, but no machines."""
    name = stack.name()
    with exclusively(place):
        start_cloud(place)
        stack.prepare(place, name)
    stack.pulumi(place, "preview", "--diff", "--stack", name, *arguments)
    return 0


def status(place: Place, _: list[str]) -> int:
    """Show what runs where and whether it is healthy."""
    name = stack.name()
    if not daemons.running(place):
        console.print("Nothing is up here. Run: make up")
        return 1
    return screen.show(place, name)


def password(place: Place, _: list[str]) -> int:
    """Print Grafana's admin password."""
    name = stack.name()
    require_up(place)
    found = stack.outputs(place, name).get("grafanaAdminPassword")
    if found is None:
        raise SandboxError(stack.INCOMPLETE)
    print(found)
    return 0


def shell(place: Place, arguments: list[str]) -> int:
    """Run a shell, or the command given after `--`, in which plain `pulumi` works against this place."""
    name = stack.name()
    require_up(place)
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    if not arguments:
        console.print(f"`pulumi` works in this shell, e.g. `pulumi stack output --stack {name}`. To leave: exit")
    command = arguments or [os.environ.get("SHELL", "/bin/bash")]
    return stack.run_in_foreground(command, cwd=stack.project_folder(place), env=stack.environment(place))


def down(place: Place, _: list[str]) -> int:
    """Remove everything: processes, machines, mounts, loop devices, bridge, state."""
    if not place.state.exists():
        machines.cleanup(place)
        console.print("Nothing is up here.")
        return 0
    with exclusively(place):
        console.print(inventory(place), markup=False)
        for name in reversed(daemons.NAMES):
            if daemons.pid(place, name):
                with step(f"Stopping {name}"):
                    daemons.stop(place, name)
        with step("Removing machines, volumes, bridge and state"):
            machines.cleanup(place)
            network.destroy(place)
            shutil.rmtree(place.state)
    console.print("Everything has been removed; the toolchain stays cached for the next `make up`.")
    return 0


def inventory(place: Place) -> str:
    """What `down` permanently deletes."""
    names = sorted(folder.name for folder in (place.state / "machines").glob("*") if folder.is_dir())
    disks = sorted(volumes.stored(place))
    deleted = [
        f"machines ({', '.join(names) or 'none'})",
        *([f"data volumes ({', '.join(disks)})"] if disks else []),
        "the local AWS with all backups",
        "and so all measurements, dashboards and users",
    ]
    return f"This permanently deletes: {', '.join(deleted)}."


def pictures(place: Place, _: list[str]) -> int:
    """Draw the README's pictures from the dashboards that are up."""
    require_up(place)
    if daemons.pid(place, "viewer") is None:
        raise SandboxError("The dashboard viewer is not running. Run: make up")
    folder = place.checkout / "docs" / "pictures"
    with step("Pictures of the dashboards"):
        drawn = draw(place, folder)
        comments.draw(place, folder / "pull-request.md", folder / "pull-request.svg")
    for file in drawn:
        console.print(f"{file.relative_to(place.checkout)} ({file.stat().st_size // 1024} KiB)", markup=False)
    return 0


def test(place: Place, arguments: list[str]) -> int:
    """Run every test but the long faults, in separate environments; with arguments: run pytest with them."""
    preflight()
    build()
    return suite.run(place.checkout, arguments)


def preflight() -> None:
    """Raises SandboxError, with what to do about it, on a machine that cannot host the environment."""
    if problems := machines.preflight():
        raise SandboxError("This machine cannot host the local environment:\n- " + "\n- ".join(problems))


def build() -> None:
    """Build whatever is missing of what is built once per machine: programs, image, packages."""
    toolchain.ensure()
    with step("Debian 13 image") as progress:
        image.ensure_image(progress)
    with step("apt packages") as progress:
        repository.ensure_packages(progress)


def require_space(folder: Path, mebibytes: int) -> None:
    """Raises SandboxError when less is free on the disk that holds the folder, or will hold it."""
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free >> 20
    if free < mebibytes:
        shortage = f"Only {free} MiB are free on the disk of {existing}, and {mebibytes} are needed."
        raise SandboxError(f"{shortage} Free some space, then run the same command again.")


def start_cloud(place: Place) -> None:
    """Build and start what `preview` needs: the programs, the bridge, the local AWS and the plugins."""
    preflight()
    cached = image.image_folder().exists() and not toolchain.missing()
    require_space(cache_folder(), ANY_SPACE if cached else CACHE_SPACE)
    require_space(place.state, ANY_SPACE if (place.state / "machines").exists() else STATE_SPACE)
    build()
    place.state.mkdir(parents=True, exist_ok=True)
    place.state.chmod(0o700)
    if (place.state / "backend").exists():
        if daemons.pid(place, "cloud") is None:
            discard(place, "The local AWS has stopped since the last `make up`, so its resources are gone")
        elif stack.damaged(place):
            discard(place, "A stack's state was cut off by a full disk, so its resources are unknown")
    with step("Bridge, local AWS and package repository"):
        network.claim_slot(place)
        network.create(place)
        daemons.start(place, "cloud")
        daemons.start(place, "repository")
    with step("Provider plugins"):
        (place.state / "pulumi-home").mkdir(exist_ok=True)
        plugins.install(place, toolchain.binaries() / "pulumi", stack.administrator(place))
    with step("The workflows' roles (bootstrap)"):
        operator.ensure(place, stack.administrator(place))


def start_machines(place: Place, name: str) -> None:
    """Start the daemon that boots the on-premise machines and each instance that AWS lists as running."""
    with step("Machines"):
        if name == hosts.STACK:
            hosts.boot(place)
        daemons.start(place, "machines")


def start_viewer(place: Place) -> None:
    """Serve the dashboards of the stack that was just raised. The rest works without the viewer, so a failure is only
    reported."""
    try:
        with step("Dashboard viewer") as progress:
            bundle.ensure(progress)
            daemons.stop(place, "viewer")
            daemons.start(place, "viewer")
    except SandboxError as error:
        console.print(f"{error}\nEverything else is up.", markup=False)


def discard(place: Place, reason: str) -> None:
    """Discard the environment, to start from scratch. The local AWS keeps everything in memory: neither it nor the
    stack's state is of use without the other."""
    console.print(f"{reason}. Starting from scratch.", markup=False)
    for name in reversed(daemons.NAMES):
        daemons.stop(place, name)
    machines.cleanup(place)
    for leftover in ("backend", "project", "machines", "volumes"):
        shutil.rmtree(place.state / leftover, ignore_errors=True)


def require_up(place: Place) -> None:
    """Raises SandboxError when the local AWS of this place is not running, or there is no project yet because the first
    `make up` has not got that far."""
    if daemons.pid(place, "cloud") is None:
        raise SandboxError("Nothing is up here. Run: make up")
    if not stack.project_folder(place).is_dir():
        raise SandboxError(stack.INCOMPLETE)


@contextlib.contextmanager
def exclusively(place: Place) -> Iterator[None]:
    """Hold the place's lock: only one command at a time changes a place. Raises SandboxError if another one does."""

    def refuse() -> None:
        raise SandboxError("Another `make` command is changing this environment. Wait until it ends, or interrupt it.")

    with locked(place.checkout / ".sandbox" / f"{place.name}.lock", refuse):
        yield
