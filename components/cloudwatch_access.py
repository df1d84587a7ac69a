"""What Grafana may read from AWS, and the identity it reads with."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadMetricsAndAlarms",
                "Effect": "Allow",
                "Action": [
                    "cloudwatch:DescribeAlarmsForMetric",
                    "cloudwatch:DescribeAlarmHistory",
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:ListMetrics",
                    "cloudwatch:GetMetricStatistics",
                    "cloudwatch:GetMetricData",
                ],
                "Resource": "*",
            },
            {
                "Sid": "ReadInstancesAndRegions",
                "Effect": "Allow",
                "Action": ["ec2:DescribeTags", "ec2:DescribeInstances", "ec2:DescribeRegions"],
                "Resource": "*",
            },
            {"Sid": "ReadTags", "Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"},
        ],
    }
)
"""Three statements, reading only. Of these actions only DescribeAlarms and DescribeAlarmHistory know resources
(alarms), and neither returns composite alarms unless it is allowed on all: CloudWatch's API reference says so."""


class CloudwatchUser(pulumi.ComponentResource):
    """An identity for Grafana's CloudWatch datasource that works from anywhere.

    Produces: the policy, a group that holds it, a user in the group, the user's access key. Another
    `generation` makes a new key, moves whoever uses it, and deletes the old one last.

    Attributes: access_key_id, secret_access_key (a secret).
    """

    def __init__(self, name: str, generation: int, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:CloudwatchUser", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        policy = aws.iam.Policy(name, description="Grafana reads CloudWatch", policy=POLICY, opts=child)
        group = aws.iam.Group(name, opts=child)
        attachment = aws.iam.GroupPolicyAttachment(name, group=group.name, policy_arn=policy.arn, opts=child)
        user = aws.iam.User(name, opts=child)
        membership = aws.iam.UserGroupMembership(name, user=user.name, groups=[group.name], opts=child)
        # The generation is part of the resource's name: to Pulumi the new key is another resource, so it
        # exists before the old one goes. The rights come first, so that the key works from its first
        # moment.
        key = aws.iam.AccessKey(
            f"{name}-{generation}",
            user=user.name,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[attachment, membership], additional_secret_outputs=["secret"]
            ),
        )
        self.access_key_id: pulumi.Output[str] = key.id
        self.secret_access_key: pulumi.Output[str] = pulumi.Output.secret(key.secret)
        self.register_outputs({"accessKeyId": self.access_key_id})


class CloudwatchRole(pulumi.ComponentResource):
    """An identity for Grafana's CloudWatch datasource without a lasting key: a role that the server's role may take.

    The server's own role reads every secret of the stack, this one reads CloudWatch. Root on the server takes it for
    Grafana (userdata/cloudwatch-credentials.sh), which cannot reach the metadata service: the rights of both never
    meet in one process.

    Produces: the role with the policy. That it trusts the server's role by name is enough: within an account that one
    needs no right of its own (docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, Permissions).

    taken_by: ARN of the server's role. Attributes: arn, known once the role has its rights.
    """

    def __init__(self, name: str, taken_by: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:CloudwatchRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        trust = {"Effect": "Allow", "Principal": {"AWS": taken_by}, "Action": "sts:AssumeRole"}
        document = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = aws.iam.Role(name, assume_role_policy=document, opts=child)
        read = aws.iam.RolePolicy(f"{name}-read", name="cloudwatch", role=role.id, policy=POLICY, opts=child)
        self.arn: pulumi.Output[str] = pulumi.Output.all(role.arn, read.id).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn})
