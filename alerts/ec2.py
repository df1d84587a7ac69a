"""What AWS sees of every instance in the region, even if no agent reports.

No-data and error states: a stopped instance has no status checks, and a region may have no instance, which is nothing
to report (OK). A request that CloudWatch refuses (a new key, throttling) is not a failed instance: alerts stay
unchanged (KeepLast).
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import above, of_every_instance, reduced


def build(facts: Facts) -> Group:
    """The group."""
    failed = Rule(
        uid="ec2-status-check",
        title="EC2 status check failed",
        # CloudWatch has the value of a minute up to a few minutes later: the newest one counts.
        steps=(of_every_instance(facts, "StatusCheckFailed", "Maximum", 600), reduced("last"), above(0)),
        pending="2m",
        no_data="OK",
        on_error="KeepLast",
        severity="critical",
        summary="{{ $labels.InstanceId }} fails its EC2 status check",
        look_at="The EC2 console says which check: “system” is AWS's hardware, and stopping and starting"
        " the instance moves it to other hardware; “instance” is the machine itself:"
        " `aws ec2 get-console-output --latest`.",
        panel=Panel("aws-ec2", "Failed status checks"),
        # CloudWatch does not know hosts' names. With this label, policies group this alert by machine, too.
        labels={"host": "{{ $labels.InstanceId }}"},
    )
    return Group("EC2", facts.interval, (failed,))
