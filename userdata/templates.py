"""Renders the files in this folder: a machine gets what is in userdata/, with the settings filled in. Pure: values in,
text out.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from settings import Repository

FOLDER = Path(__file__).parent

AWS_DOMAIN = "amazonaws.com"
"""The domain of AWS's services, in all partitions that `aws:region` may be in (settings/aws_names.py)."""


def toml(value: str | Sequence[str]) -> str:
    """A text, or a list of texts, in TOML (JSON's escapes are a subset of TOML's, except for DEL)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - none of these files is HTML; each value goes through `toml` or `shell`
)
_templates.filters["toml"] = toml
_templates.filters["shell"] = shlex.quote


def render(name: str, **values: object) -> str:
    """One file of this folder with its values filled in. Raises jinja2.UndefinedError if one is missing."""
    return _templates.get_template(name).render(**values) if values else _constant(name)


# The program renders the server's files some fifty times, to find out which uses which value (program/user_data.py:
# `used`).
@functools.cache
def _constant(name: str) -> str:
    return _templates.get_template(name).render()


@functools.cache
def without_comments(text: str) -> str:
    """`text` without comment lines and empty lines. The first line stays: it is `#!` or `#cloud-config`."""
    first, *rest = text.splitlines()
    kept = [line for line in rest if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join([*([first] if first.startswith("#!") or not first.startswith("#") else []), *kept]) + "\n"


def source(repository: Repository) -> str:
    """A repository as boot.sh reads it: five words without spaces, which follow its name there."""
    parts = (
        repository.url,
        repository.suite,
        repository.component,
        repository.key_url,
        repository.key_fingerprint,
    )
    return " ".join(parts)


def shell(variables: Mapping[str, str]) -> str:
    """Variables as a file that a shell can read."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def environment(variables: Mapping[str, str]) -> str:
    """Variables as a file that systemd (man 5 systemd.exec, EnvironmentFile=) and shells can read.

    Between single quotes only the closing quote is special. Between double quotes a backslash
    escapes `"`, `$`, `` ` `` and itself.
    """
    lines = []
    for name, value in variables.items():
        escaped = re.sub(r'(["$`\\\\])', r"\\\1", value)
        lines.append(f"{name}='{value}'\n" if "'" not in value else f'{name}="{escaped}"\n')
    return "".join(lines)


def delimiter(*contents: str) -> str:
    """A line that can end a here-document with any of these contents, because none of them contains it."""
    lines = {line for content in contents for line in content.split("\n")}
    end = "END_OF_FILE"
    while end in lines:
        end += "_"
    return end
