"""The InfluxDB that AWS runs, if the settings ask for one."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.network import INFLUXDB_PORT, Network
from components.passwords import generated
from program.naming import machine
from program.policies import document
from program.site import Site
from settings import Settings
from settings.database import Database

ADMINISTRATOR = "admin"
ORGANIZATION = "monitoring"
BUCKET = "telegraf"

FIXED = {"Public": "database.public", "Subnets": "subnetId and database.standbySubnetId"}
"""Tags of the security group that record what cannot change while the instance exists, each with its settings: a hook
can check an update of the group, but before a replacement of the instance it is not given the existing one (Pulumi's
pkg/resource/deploy/step.go, CreateStep)."""


class Timestream(pulumi.ComponentResource):
    """An instance of Timestream for InfluxDB, which the server sets up (userdata/server/timestream.py).

    Produces:
    - the administrator's password, which never changes: another one would replace the instance and lose its data;
    - a security group that lets in InfluxDB's port from `agentCidrs` and from the server, and nothing out; the server's
      own group lets that through. Its tags say where the instance is: another place, for which AWS would replace the
      instance with its data, is refused at the preview;
    - the instance (auto-named, protected with `protect`), in the server's subnet, with `multiAz` also in a second one.
      More `storage` and another `instanceType` change it in place; less storage is refused at the preview;
    - the permission of the server's role to read one secret: the administrator's login, which the service puts into
      Secrets Manager. AWS's own key aws/secretsmanager encrypts it, so no kms statement is needed.

    Where the password is: in that secret, and, encrypted like all secrets, in the stack's state.

    Attributes: instance_id; url, secret_arn, known once the server may read the secret; links: without them the
    instance cannot be reached.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        *,
        settings: Settings,
        site: Site,
        network: Network,
        role: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Timestream", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        at_preview = pulumi.ResourceHookOptions(on_dry_run=True)
        stays = pulumi.ResourceHook("database-stays", refuse_to_replace, at_preview)
        group = aws.ec2.SecurityGroup(
            name,
            description="Monitoring: the InfluxDB that AWS runs",
            vpc_id=site.vpc_id,
            tags={"Name": f"{machine()}-{name}", **_fixed(settings, database)},
            opts=pulumi.ResourceOptions(parent=self, hooks=pulumi.ResourceHookBinding(before_update=[stays])),
        )
        self.links = self._let_in(settings, group, network)
        hook = pulumi.ResourceHook("database-storage-grows", refuse_to_shrink, at_preview)
        instance = aws.timestreaminfluxdb.DbInstance(
            "monitoring",  # what its name begins with, and so its address
            allocated_storage=database.storage,
            bucket=BUCKET,
            db_instance_type=database.instance_type,
            db_storage_type="InfluxIOIncludedT1",
            deployment_type="WITH_MULTIAZ_STANDBY" if database.multi_az else "SINGLE_AZ",
            organization=ORGANIZATION,
            password=generated(f"{name}-{ADMINISTRATOR}", self),
            port=INFLUXDB_PORT,
            publicly_accessible=database.public,
            username=ADMINISTRATOR,
            vpc_security_group_ids=[group.id],
            vpc_subnet_ids=[site.subnet_id, *([site.standby_subnet_id] if site.standby_subnet_id else [])],
            tags={"Name": machine()},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=settings.protect,
                # Lookups can return something else later.
                ignore_changes=[] if settings.subnet_id else ["vpcSubnetIds"],
                hooks=pulumi.ResourceHookBinding(before_update=[hook]),
            ),
        )
        readable = instance.influx_auth_parameters_secret_arn.apply(_reading)
        policy = aws.iam.RolePolicy(name, name="timestream", role=role, policy=readable, opts=self._child)
        self.instance_id: pulumi.Output[str] = instance.id
        url = pulumi.Output.format("https://{0}:{1}", instance.endpoint, INFLUXDB_PORT)
        self.url: pulumi.Output[str] = pulumi.Output.all(url, policy.id).apply(lambda known: str(known[0]))
        secret = instance.influx_auth_parameters_secret_arn
        self.secret_arn: pulumi.Output[str] = pulumi.Output.all(secret, policy.id).apply(lambda known: str(known[0]))
        self.register_outputs({"url": self.url})

    def _let_in(self, settings: Settings, group: aws.ec2.SecurityGroup, network: Network) -> list[pulumi.Resource]:
        agents = [self._from(str(cidr), group, cidr_ipv4=str(cidr)) for cidr in settings.agent_cidrs]
        out = aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-out",
            security_group_id=network.group.id,
            description="the InfluxDB that AWS runs",
            ip_protocol="tcp",
            from_port=INFLUXDB_PORT,
            to_port=INFLUXDB_PORT,
            referenced_security_group_id=group.id,
            opts=self._child,
        )
        return [*agents, self._from("server", group, referenced_security_group_id=network.group.id), out]

    def _from(
        self,
        whom: str,
        group: aws.ec2.SecurityGroup,
        *,
        cidr_ipv4: str | None = None,
        referenced_security_group_id: pulumi.Output[str] | None = None,
    ) -> pulumi.Resource:
        return aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-from-{whom}",
            security_group_id=group.id,
            description=f"influxdb from {whom}",
            ip_protocol="tcp",
            from_port=INFLUXDB_PORT,
            to_port=INFLUXDB_PORT,
            cidr_ipv4=cidr_ipv4,
            referenced_security_group_id=referenced_security_group_id,
            opts=self._child,
        )


def _reading(secret: str) -> str:
    return document(
        {"Sid": "ReadAdministrator", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret}
    )


def _fixed(settings: Settings, database: Database) -> dict[str, str]:
    """Values of FIXED. Without `subnetId`, subnets are looked up, and the instance ignores their changes."""
    subnets = [subnet for subnet in (settings.subnet_id, database.standby_subnet_id) if subnet]
    return {"Public": "yes" if database.public else "no", "Subnets": " ".join(subnets) or "default"}


def refuse_to_replace(change: pulumi.ResourceHookArgs) -> None:
    """Raises ValueError when the security group's tags say that the instance would have to be replaced."""
    there, wanted = ((known or {}).get("tags") or {} for known in (change.old_inputs, change.new_inputs))
    for tag, settings in FIXED.items():
        if tag in there and there[tag] != wanted.get(tag):
            raise ValueError(
                f"monitoring:{settings}: AWS would replace the database, and delete its measurements ({tag.lower()}: "
                f"{there[tag]}, now {wanted.get(tag)}); take this back, or first move to the server's own InfluxDB "
                "(docs/moving.md)"
            )


def refuse_to_shrink(change: pulumi.ResourceHookArgs) -> None:
    """Raises ValueError if the existing instance has more storage than the requested one. AWS would refuse, too, but
    after other changes, and less clearly (docs.aws.amazon.com/timestream/latest/developerguide/
    timestream-for-influx-managing-modifying-db.html)."""
    there, wanted = (
        int((known or {}).get("allocatedStorage") or 0) for known in (change.old_outputs, change.new_inputs)
    )
    if wanted < there:
        raise ValueError(
            f"monitoring:database.storage = {wanted}: the database has {there} GiB, and its storage cannot shrink; "
            f"write {there} or more"
        )


def timestream(
    settings: Settings, site: Site, network: Network, role: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> Timestream | None:
    """The InfluxDB that AWS runs for the stack, None without `database`. role: the server's."""
    wanted = settings.database
    if wanted is None:
        return None
    return Timestream("timestream", wanted, settings=settings, site=site, network=network, role=role, opts=opts)
