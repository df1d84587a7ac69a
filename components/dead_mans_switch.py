"""AWS watches the server from outside, and reports when it is dead."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from program.naming import machine
from program.policies import document
from settings import Settings

MINUTES = 2
"""Consecutive failed minutes until an alarm: one can fail while the instance starts."""


class DeadMansSwitch(pulumi.ComponentResource):
    """CloudWatch alarms on the instance's status checks, and the people they notify by email.

    Produces: a topic to which only the account itself and CloudWatch, for the account's alarms, may publish; a
    subscription per address, which its owner has to confirm; two alarms. The alarm on StatusCheckFailed_System, AWS's
    own hardware, also recovers the instance: it moves to other hardware and keeps its id, addresses and volumes. For
    StatusCheckFailed_Instance, the machine itself, and for an instance that no longer has status checks because it was
    stopped, there is only a message.

    docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-recover.html (its alarm, the action's ARN per region and
    partition), docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html (the topic's
    policy). The topic is not encrypted: CloudWatch may not use the AWS managed key aws/sns, and that a status check
    failed is no secret.
    """

    def __init__(
        self, name: str, email: Sequence[str], instance_id: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("monitoring:index:DeadMansSwitch", name, None, opts)
        self._name, self._instance = name, instance_id
        self._child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(f"{machine()}-{name}", tags={"Name": f"{machine()}-{name}"}, opts=self._child)
        policy = aws.sns.TopicPolicy(name, arn=topic.arn, policy=topic.arn.apply(_policy), opts=self._child)
        for address in email:
            aws.sns.TopicSubscription(
                f"{name}-{address}", topic=topic.arn, protocol="email", endpoint=address, opts=self._child
            )
        # Alarms wait until CloudWatch may publish.
        notified = pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))
        recover = topic.arn.apply(_recover)
        self._alarm(
            "system",
            "AWS's hardware below the monitoring server fails; it is moved to other hardware",
            notified,
            recover,
        )
        self._alarm("instance", "The monitoring server does not answer: see its console output", notified)
        self.register_outputs({})

    def _alarm(
        self, check: str, description: str, notified: pulumi.Output[str], *actions: pulumi.Output[str]
    ) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{machine()}-{check}",
            alarm_description=description,
            namespace="AWS/EC2",
            metric_name=f"StatusCheckFailed_{check.capitalize()}",
            dimensions={"InstanceId": self._instance},
            statistic="Maximum",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            period=60,
            evaluation_periods=MINUTES,
            alarm_actions=[notified, *actions],
            ok_actions=[notified],
            insufficient_data_actions=[notified] if check == "instance" else [],
            tags={"Name": f"{machine()}-{check}"},
            opts=self._child,
        )


def _policy(topic: str) -> str:
    partition, region, account = (topic.split(":")[at] for at in (1, 3, 4))
    return document(
        {
            "Sid": "AlarmsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"},
            },
        }
    )


def _recover(topic: str) -> str:
    """The action's ARN, in the partition and region of the topic."""
    partition, region = (topic.split(":")[at] for at in (1, 3))
    return f"arn:{partition}:automate:{region}:ec2:recover"


def dead_mans_switch(settings: Settings, instance_id: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Create the alarms, if the settings say whom they notify."""
    if (switch := settings.dead_mans_switch) and switch.email:
        DeadMansSwitch("dead-mans-switch", switch.email, instance_id, opts)
