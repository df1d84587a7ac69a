"""The agents' installer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from settings import Inputs
from settings.model import InfluxdataRepository
from userdata.telegraf import InfluxTarget, telegraf_config
from userdata.templates import delimiter, environment, render, source, without_comments


@dataclass(frozen=True)
class AgentValues:
    """Everything an agent's installer depends on. `password` is a secret, so the script is one too.

    host: the tag `host`; empty takes the machine's own name. tags: of all its measurements.
    """

    repository: InfluxdataRepository
    telegraf_version: str
    interval: str
    target: InfluxTarget
    password: str = field(repr=False)
    ca: str | None = None
    host: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=Inputs)


def agent_installer(values: AgentValues) -> str:
    """The script that makes a machine with apt or dnf send its measurements here, to be run by root."""
    config = telegraf_config(
        values.target, interval=values.interval, host=values.host, monitor=False, tags=values.tags
    ) + render("shared/inputs.conf", inputs=values.inputs)
    variables = environment({"INFLUX_PASSWORD": values.password, **values.inputs.secrets})
    return render(
        "agent/install.sh.j2",
        values=values,
        repository=source(values.repository),
        config=config,
        environment=variables,
        measure=without_comments(render("shared/measure.sh")),
        end=delimiter(config, variables, values.ca or "", *values.inputs.service_options),
    )
