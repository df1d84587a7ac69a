"""The README and the pages agree with Pulumi.yaml, the Makefile and each other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def settings_table() -> str:
    """The table of settings, made from the schema in Pulumi.yaml."""
    rows = ["| key | default | description |", "| --- | --- | --- |"]
    for key, schema in yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].items():
        rows.append(f"| `{key}` | {shown(schema['default'])} | {schema['description']} |")
    return "\n".join(rows)


def shown(default: Any) -> str:
    """A default as people read it: nothing if it is empty, a repository's address, no long objects."""
    if default in ("", [], {}):
        return ""
    if isinstance(default, dict):
        return f"`{default['url']}`" if "url" in default else "each key's own"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def test_the_table_of_settings_is_the_schema() -> None:
    found = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README, re.DOTALL)
    assert found is not None
    assert found.group(1) == settings_table(), f"write this table into the README:\n{settings_table()}"


def test_every_make_command_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [README, *(page.read_text() for page in (ROOT / "docs").rglob("*.md"))]
    named = {name for page in pages for name in re.findall(r"`?make ([a-z-]+)(?=`|\s+#)", page)}
    assert {"up", "test", "down"} <= named
    assert named <= targets


def test_the_commands_for_a_real_account_are_listed() -> None:
    """These targets ask for `pulumi install` if something is missing, and do not install the local environment."""
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):(?! bootstrap| browser)[^\n]*\n\t@\[ -x", makefile, re.MULTILINE)
    assert {"new-stack", "cost", "upgrades"} <= set(targets)
    found = re.search(r"<!-- commands -->\n(.*?)\n<!-- /commands -->", README, re.DOTALL)
    assert found is not None
    assert re.findall(r"^\| `make ([a-z-]+)", found[1], re.MULTILINE) == targets


def test_every_link_leads_to_a_file_that_exists() -> None:
    links = 0
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
            links += 1
    assert links > 100


def anchors(page: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings, and those that the page sets itself."""
    without_code = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} (.*)", without_code, re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.append(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    own = set(re.findall(r'<a id="([^"]+)"', page))
    return own | {f"{each}-{count}" if (count := found[:at].count(each)) else each for at, each in enumerate(found)}


def test_every_link_to_a_section_leads_to_a_heading() -> None:
    linked = 0
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)]*#[^)]+)\)", page.read_text()):
            file, _, anchor = target.partition("#")
            assert anchor in anchors((page.parent / file if file else page).read_text()), f"{page.name}: {target}"
            linked += 1
    assert linked > 20
