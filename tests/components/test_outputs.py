"""The stack's outputs: listed in the README, and linked from the stack's page without a secret."""

from __future__ import annotations

import re
from pathlib import Path

from dashboards.registry import ENTRIES
from tests.components.conftest import Run

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_lists_every_output_and_which_are_secret(dev: Run) -> None:
    found = re.search(r"<!-- outputs -->\n(.*?)\n<!-- /outputs -->", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", found[1], re.MULTILINE)
    assert [name for name, _ in rows] == list(dev.outputs)
    assert {name for name, what in rows if "(secret)" in what} == {
        name for name, secret in dev.secrets.items() if secret
    }


def test_the_stack_s_page_names_outputs_there_are_and_no_secret_one(dev: Run) -> None:
    """Pulumi Cloud fills these in for everyone who may see the stack."""
    page = dev.outputs["readme"]
    named = set(re.findall(r"\$\{outputs\.(\w+)\}", page))
    assert {"grafanaUrl", "influxdbUrl"} <= named <= set(dev.outputs)
    assert not {name for name in named if dev.secrets[name]}
    assert page.count("${") == len(re.findall(r"\$\{outputs\.\w+\}", page))
    assert not dev.secrets["readme"]


def test_the_stack_s_page_links_to_every_dashboard(dev: Run) -> None:
    linked = re.findall(r"\[([^\]]+)\]\(\$\{outputs\.grafanaUrl\}(/d/[\w-]+)\)", dev.outputs["readme"])
    assert linked == [(entry.title, entry.path) for entry in ENTRIES]
