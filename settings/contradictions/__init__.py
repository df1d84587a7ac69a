"""Settings that are valid on their own but contradict each other."""

from __future__ import annotations

from ipaddress import collapse_addresses

from settings import aws_names, ranges
from settings import values as v
from settings.backups import origin
from settings.contradictions import alerts, names
from settings.mistakes import Contradictions
from settings.model import Settings

MOST_RULES = 60
"""Inbound rules that a security group may have by default (docs: "Amazon VPC quotas")."""


def contradictions(settings: Settings) -> Contradictions:
    """All contradictions, as (setting in camelCase, what is wrong, what to write instead)."""
    for found in (
        of_the_network,
        of_identities,
        of_the_zone,
        of_the_public_certificate,
        of_backups,
        of_the_database,
        of_the_subnet,
        alerts.of_time,
        names.of_names,
        of_accounts,
        of_the_key,
        alerts.of_contact_points,
        alerts.of_the_dead_mans_switch,
        alerts.of_mute_timings,
        of_hosts_by_tag,
        of_mail,
        of_retention,
    ):
        yield from found(settings)


def of_the_network(settings: Settings) -> Contradictions:
    """Ranges that would admit nobody, or too many; a missing image."""
    example = "write the ranges in CIDR notation, such as [203.0.113.0/24]; 0.0.0.0/0 means the whole internet"
    if not settings.operator_cidrs:
        yield "operatorCidrs", "nobody could reach Grafana", example
    if not settings.agent_cidrs and settings.makes_users:
        yield "agentCidrs", "no agent could reach InfluxDB", example
    if settings.agent_cidrs and not settings.makes_users:
        yield "agentCidrs", "does not apply with influxdb: agents send to that service", "leave it out"
    yield from _of_access(settings, example)
    if aws_names.partition(settings.region) != "aws" and not settings.ami_id:
        wrong = "is missing: Debian's own images are only known in AWS's commercial regions"
        yield "amiId", wrong, f"write the ID of a Debian 13 image in {settings.region} from a publisher you trust"


def _of_access(settings: Settings, example: str) -> Contradictions:
    # With a public certificate, two ports are opened to operators (components/network.py).
    twice = settings.operator_cidrs if settings.public_certificate else ()
    together = len((*settings.operator_cidrs, *twice, *settings.agent_cidrs, *settings.ssh_cidrs))
    if together > MOST_RULES:
        merge = f"merge ranges until the three keys have at most {MOST_RULES} in total"
        yield (
            "operatorCidrs",
            f"makes {together} rules together with agentCidrs and sshCidrs"
            f"{', with publicCertificate two per range of operatorCidrs' if twice else ''}; EC2 allows {MOST_RULES}",
            merge,
        )
    if (many := ranges.count(settings.ssh_cidrs)) > ranges.MANY:
        whom = "half the world" if many > ranges.ALL // 3 else f"{many // 10**6} million addresses"
        if sum(each.num_addresses for each in collapse_addresses(settings.ssh_cidrs)) == ranges.ALL:
            whom = "the whole internet"
        yield "sshCidrs", f"would let {whom} try to log in", "write only the ranges you connect from"
    if settings.ssh_cidrs and not settings.ssh_key_name:
        yield "sshKeyName", "is missing, so nobody in sshCidrs could log in", "name an EC2 key pair"
    if settings.ssh_key_name and not settings.ssh_cidrs:
        yield "sshCidrs", "is missing, so nobody could log in with sshKeyName", example


def of_identities(settings: Settings) -> Contradictions:
    """A missing domain, and generations of keys and certificates that this program does not create."""
    if settings.certificate and not settings.domain:
        yield "domain", "is required with certificate", "write the name the certificate was issued for"
    elif settings.oauth and not settings.domain:
        instead = "write Grafana's DNS name, to which your provider sends people after the login"
        yield "domain", "is required with oauth", instead
    if settings.cloudwatch_auth == "role" and settings.access_key_generation != 1:
        yield "accessKeyGeneration", "does not apply with cloudwatchAuth: role", "leave it out"
    if settings.certificate and settings.certificate_generation != 1:
        yield "certificateGeneration", "does not apply with a certificate of your own", "leave it out"


def of_hosts_by_tag(settings: Settings) -> Contradictions:
    """A removal of agents without the tag that selects the hosts."""
    if settings.hosts_by_tag_remove and not settings.hosts_by_tag:
        yield "hostsByTag", "is missing, so hostsByTagRemove would reach no host", "name the tag of those hosts"


def of_the_zone(settings: Settings) -> Contradictions:
    """A zone without a domain, or one that does not contain it. Only AWS knows the name of a zone given by its ID."""
    zone = settings.route53_zone
    if zone and not settings.domain:
        yield "domain", "is required with route53Zone", "write the server's name in that zone"
    elif zone and "." in zone and settings.domain and not aws_names.lies_in(settings.domain, zone):
        yield "route53Zone", f"does not contain domain, {settings.domain}", "name the zone that does"


def of_the_public_certificate(settings: Settings) -> Contradictions:
    """A public certificate without a name or without the zone that proves control of it, and a second certificate."""
    if not settings.public_certificate:
        return
    if settings.certificate:
        wrong = "cannot be combined with certificate, which is for domain, too"
        yield "publicCertificate", wrong, "leave one out"
    elif not settings.domain and not settings.route53_zone:  # else of_the_zone says so
        yield "domain", "is required with publicCertificate", "write the name that the certificate is for"
    if not settings.route53_zone:
        wrong = "is required with publicCertificate: a record in it proves that domain is yours"
        yield "route53Zone", wrong, "name the public zone of Route 53 that holds domain"


def of_backups(settings: Settings) -> Contradictions:
    """A backup that would be restored from a bucket that does not exist."""
    if settings.restore_from and not settings.backups.enabled and not origin(settings.restore_from).bucket:
        wrong = "names a backup of this stack, whose backups are off"
        yield "restoreFrom", wrong, "write s3://BUCKET/STACK/latest, or remove backups.enabled: false"


def of_the_database(settings: Settings) -> Contradictions:
    """Settings that cannot be combined with `database`."""
    database = settings.database
    if database is None:
        return
    if settings.influxdb:
        yield "database", "cannot be combined with influxdb: both replace the server's own InfluxDB", "leave one out"
    if settings.rollup_retention and not settings.own_influxdb:
        wrong = "does not apply with database: InfluxDB 2 has no 5-minute means here"
        yield "rollupRetention", wrong, "leave it out; raise retention to keep measurements longer"
    standby = database.standby_subnet_id
    if standby and not (database.multi_az and settings.subnet_id):
        wrong = "has standbySubnetId, which only applies with database.multiAz and subnetId"
        yield "database", wrong, "leave it out"
    elif database.multi_az and settings.subnet_id and not standby:
        wrong = "has multiAz without standbySubnetId, which is required with subnetId"
        yield "database", wrong, "name a subnet in another availability zone of that VPC"
    elif standby and standby == settings.subnet_id:
        yield "database", "has subnetId as its standbySubnetId", "name a subnet in another availability zone"


def of_the_subnet(settings: Settings) -> Contradictions:
    """A missing subnet, and a public database in a private one."""
    private = not settings.public_address
    if settings.vpc_id and not settings.subnet_id:
        instead = f"name a {'private' if private else 'public'} subnet of that VPC"
        yield "subnetId", "is required with vpcId", instead
    elif private and not settings.subnet_id:
        wrong = (
            "is required with publicAddress: false: default subnets reach the internet only through public addresses"
        )
        yield "subnetId", wrong, "name a subnet with a route to a NAT gateway"
    if private and settings.database and settings.database.public:
        instead = "remove database.public, or publicAddress: false"
        yield "database", "is public, but the server's subnet is private", instead


def of_accounts(settings: Settings) -> Contradictions:
    """Roles, regions and policies of another partition, where credentials of this one are not valid
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html)."""
    own = aws_names.partition(settings.region)
    elsewhere = "is in another AWS partition than aws:region, whose identities are unknown there"
    if aws_names.partition(settings.shown_region) != own:
        yield "cloudwatchRegion", elsewhere, f"write a region of the partition {own}"
    if settings.permissions_boundary and settings.permissions_boundary.split(":")[1] != own:
        yield "permissionsBoundary", elsewhere, f"write a policy's ARN that begins with arn:{own}:"
    for number, metric in enumerate(settings.custom_metrics):
        if metric.region and aws_names.partition(metric.region) != own:
            yield f"customMetrics[{number}].region", elsewhere, f"write a region of the partition {own}"
    for account in settings.cloudwatch_accounts:
        if {account.partition, aws_names.partition(account.region or settings.region)} != {own}:
            wrong = f"has {account.name} in another AWS partition than aws:region, whose identities are unknown there"
            yield "cloudwatchAccounts", wrong, f"write a role and a region of the partition {own}"


def of_the_key(settings: Settings) -> Contradictions:
    """A key of another region or partition, which AWS's services do not accept (docs.aws.amazon.com/kms/latest/
    developerguide/multi-region-keys-overview.html)."""
    key = settings.kms_key or ""
    if not key.startswith("arn:"):
        return
    _, partition, _, region, *_ = key.split(":")
    own = aws_names.partition(settings.region)
    if region != settings.region:
        wrong = f"is a key of {region}, and the stack is in {settings.region}"
        yield "kmsKey", wrong, "write a key of that region, or a replica there"
    elif partition != own:
        wrong = f"is in the AWS partition {partition}, and {settings.region} is in {own}"
        yield "kmsKey", wrong, f"write a key's ARN that begins with arn:{own}:"


def of_mail(settings: Settings) -> Contradictions:
    """Mail without a server, and a server without recipients."""
    mailed = settings.contact_points is not None and settings.contact_points.email_is_used
    if mailed and not settings.smtp:
        yield "smtp", "is missing, so contactPoints could send no email", "name your mail server"
    if settings.smtp and not mailed:
        yield "smtp", "has no recipients", "add addresses as contactPoints.email"


def of_retention(settings: Settings) -> Contradictions:
    """A retention although another service decides it, and a roll-up that would keep nothing longer."""
    for key, given in (("retention", settings.retention != "30d"), ("rollupRetention", settings.rollup_retention)):
        if given and not settings.makes_users:
            yield key, "does not apply with influxdb: that service has its own retention", "leave it out"
    if v.seconds(settings.kept_rolled_up) < v.seconds(settings.retention):
        wrong = f"is shorter than retention ({settings.retention}), so it would keep nothing longer"
        yield "rollupRetention", wrong, f"write {settings.retention} or longer, or leave it out"
