"""The agents' installer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from settings import Inputs
from settings.hosts import MOST_TAGS, RESERVED_TAGS
from settings.inputs import Docker, Ping
from settings.model import InfluxdataRepository
from userdata.telegraf import InfluxTarget, telegraf_config
from userdata.templates import AWS_DOMAIN, delimiter, environment, render, source, without_comments

ACTION = "{{ action }}"
"""The placeholder that Systems Manager replaces with the document's parameter (components/tagged_hosts.py)."""


@dataclass(frozen=True)
class ByTag:
    """Where an EC2 instance chosen by tag reads the write user's password: a parameter in this region.

    other: the second InfluxDB's parameter, if its password is a different one.
    """

    region: str
    parameter: str
    other: str = ""

    @property
    def url(self) -> str:
        """The parameter store."""
        return f"https://ssm.{self.region}.{AWS_DOMAIN}/"


@dataclass(frozen=True)
class AgentValues:
    """Everything an agent's installer depends on. Passwords are secret, and so is the script; but not with `by_tag`,
    where the machine reads its passwords itself.

    second: a second InfluxDB to write to. ca: the private CAs of both. host: the tag `host`; if empty, the machine's
    own name. tags: of all its measurements. top_processes: how many processes are named. without_password: whether the
    script gets `credentials` from the variable MONITORING_CREDENTIALS when it runs, and so is not secret either.
    """

    repository: InfluxdataRepository
    telegraf_version: str
    interval: str
    target: InfluxTarget
    password: str = field(default="", repr=False)
    second: InfluxTarget | None = None
    second_password: str = field(default="", repr=False)
    ca: str | None = None
    host: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=Inputs)
    top_processes: int = 0
    by_tag: ByTag | None = None
    without_password: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether Pulumi does not know the machine, so that its name, tags and inputs are variables of the script
        (userdata/agent/by-hand.sh.j2)."""
        return not self.host and not self.by_tag

    @property
    def credentials(self) -> str:
        """The variables of Telegraf's environment, with the passwords."""
        passwords = {"INFLUX_PASSWORD": self.password}
        if self.second:
            passwords["INFLUX_PASSWORD_OTHER"] = self.second_password
        return environment({**passwords, **self.inputs.secrets})


RIGHTS = {
    "docker": Inputs(docker=Docker()).service_options,
    "ping": Inputs(ping=Ping(targets=("localhost",))).service_options,
}
"""Input → the rights it needs beyond an ordinary user's, as lines for Telegraf's unit."""


def agent_installer(values: AgentValues) -> str:
    """The script that root runs to make a machine with apt or dnf send its measurements here.

    With `by_tag` it is the text of a Systems Manager document, in which `ACTION` stands for `install` or `remove`.
    """
    config = telegraf_config(
        values.target,
        second=values.second,
        interval=values.interval,
        host=values.host,
        top_processes=values.top_processes,
        monitor=False,
        tags=values.tags,
    ) + render("shared/inputs.conf", inputs=values.inputs)
    ec2 = without_comments(render("agent/ec2.py")) if values.by_tag else ""
    variables = values.credentials
    return render(
        "agent/install.sh.j2",
        values=values,
        repository=source(values.repository),
        config=config,
        environment=variables,
        passwords=[line.partition("=")[0] for line in variables.splitlines()],
        reserved=sorted(RESERVED_TAGS),
        most_tags=MOST_TAGS,
        rights=RIGHTS,
        scripts={name: without_comments(render(f"shared/{name}.sh")) for name in ("measure", "processes")},
        ec2=ec2,
        arguments=f"'{ACTION}'" if values.by_tag else '"$@"',
        end=delimiter(config, variables, ec2, values.ca or "", *values.inputs.service_options),
    )
