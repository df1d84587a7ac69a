"""What the local SSM agent runs, and when."""

from __future__ import annotations

import pytest

from sandbox.errors import SandboxError
from sandbox.machines.ssm_agent import interval, scripts

STEP = {"action": "aws:runShellScript", "inputs": {"runCommand": ["#!/bin/bash", "echo '{{ action }}' {{other}}"]}}
PARAMETERS = {"action": {"type": "String", "default": "install"}, "other": {"type": "String"}}


def test_parameters_are_filled_in_and_lines_joined() -> None:
    document = {"parameters": PARAMETERS, "mainSteps": [STEP]}
    assert scripts(document, {}) == [("#!/bin/bash\necho 'install' \n", 3600.0)]
    ((script, _),) = scripts(document, {"action": ["remove"], "other": [r"\1"]})
    assert script == "#!/bin/bash\necho 'remove' \\1\n"


def test_steps_for_other_platforms_are_skipped() -> None:
    windows = STEP | {"precondition": {"StringEquals": ["platformType", "Windows"]}}
    assert scripts({"mainSteps": [windows]}, {}) == []


def test_an_unsupported_action_is_an_error() -> None:
    with pytest.raises(SandboxError, match="aws:downloadContent"):
        scripts({"mainSteps": [{"action": "aws:downloadContent"}]}, {})


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(30 minutes)", 1800), ("rate(1 hour)", 3600), ("", float("inf"))]
)
def test_intervals(expression: str, seconds: float) -> None:
    assert interval(expression) == seconds
