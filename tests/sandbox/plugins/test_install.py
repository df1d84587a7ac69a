"""Installing the stand-ins where the engine looks for plugins."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.plugins.install import PACKAGES, install
from tests.sandbox.plugins.engine import CHECKOUT, Stack, find_pulumi

pytestmark = [pytest.mark.slow, pytest.mark.stand_in]

PROGRAM = """
import pulumi
import pulumi_random
import pulumiverse_grafana as grafana

name = pulumi_random.RandomPassword("name", length=4).result
provider = grafana.Provider(
    "grafana", url=name.apply(lambda each: "https://" + each), auth=pulumi.Output.secret("admin:secret")
)
grafana.oss.Folder("folder", title="t", uid="u", opts=pulumi.ResourceOptions(provider=provider))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    folder = tmp_path_factory.mktemp("stack")
    program = folder / "written"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: plugins\nruntime: python\n")
    (program / "__main__.py").write_text(PROGRAM)
    return Stack.make(folder, program)


def test_the_engine_lists_every_plugin_with_its_sdk_s_version(stack: Stack) -> None:
    listed = stack.run("plugin", "ls")
    for name, distribution in PACKAGES.items():
        assert any(
            line.split()[:3] == [name, "resource", metadata.version(distribution)] for line in listed.splitlines()
        ), listed


def test_the_cli_writes_no_logs(stack: Stack) -> None:
    said = stack.run("plugin", "ls", "--json")
    assert json.loads(said)
    assert (Path(stack.env["PULUMI_HOME"]) / "logs").read_bytes() == b""


def test_installing_again_only_repairs_a_wrapper(stack: Stack) -> None:
    folder = Path(stack.env["PULUMI_HOME"]) / "plugins" / f"resource-aws-v{metadata.version('pulumi-aws')}"
    wrapper = folder / "pulumi-resource-aws"
    assert f"{CHECKOUT}/" in wrapper.read_text()
    install(Place(CHECKOUT), Path("/bin/false"), stack.env)  # does not need the CLI
    wrapper.write_text("#!/bin/sh\nexec /another/checkout\n")
    install(Place(CHECKOUT), stack.pulumi, stack.env)
    assert "another" not in wrapper.read_text()
    assert wrapper.stat().st_mode & 0o111


def test_an_official_plugin_in_a_stand_in_s_place_is_used(stack: Stack) -> None:
    """A binary that does not speak the protocol: the engine's error names it."""
    folder = Path(stack.env["PULUMI_HOME"]) / "plugins" / f"resource-random-v{metadata.version('pulumi-random')}"
    official = folder / "pulumi-resource-random"
    stand_in = official.read_bytes()
    shutil.copy(shutil.which("true") or "", official)
    assert not official.read_bytes().startswith(b"#!")
    before = official.stat()
    try:
        install(Place(CHECKOUT), stack.pulumi, stack.env)
        assert official.stat() == before
        assert f"could not read plugin [{official}]: EOF" in stack.run("preview", fails=True)
    finally:
        official.write_bytes(stand_in)


def test_a_preview_works_while_a_provider_s_settings_are_unknown(stack: Stack) -> None:
    """Grafana's address is unknown in the first preview, before the server exists."""
    preview = stack.preview()
    assert "grafana:oss/folder:Folder: (create)" in preview
    assert "admin:secret" not in preview


def test_a_failed_installation_is_reported_in_one_line(tmp_path: Path) -> None:
    cli = tmp_path / "pulumi"
    cli.write_text("#!/bin/sh\necho 'error: no space\nleft' >&2\nexit 1\n")
    cli.chmod(0o755)
    with pytest.raises(SandboxError, match="could not install the aws plugin: error: no space left"):
        install(Place(CHECKOUT), cli, {"PULUMI_HOME": str(tmp_path)})


def test_the_cli_is_found() -> None:
    assert find_pulumi().name == "pulumi"
