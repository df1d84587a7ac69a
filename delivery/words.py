"""A preview in words: what would be deleted or replaced comes first, because it cannot be undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from delivery.digest import Change, Preview

ONLY_ONE = {
    "aws:ebs/volume:Volume": "the data volume",
    "aws:s3/bucket:Bucket": "the bucket of the backups",
    "aws:ec2/eip:Eip": "the public address",
    "aws:ec2/networkInterface:NetworkInterface": "the private address",
    "aws:ec2/instance:Instance": "the server",
    "aws:iam/accessKey:AccessKey": "Grafana's access key",
    "aws:iam/user:User": "Grafana's user in AWS",
    "aws:ec2/securityGroup:SecurityGroup": "the security group",
    "aws:ec2/eipAssociation:EipAssociation": "the address's association with the server",
    "aws:ec2/volumeAttachment:VolumeAttachment": "the data volume's attachment to the server",
}
"""What to call a resource of which a stack has only one, the most important first; others go by their type and name."""

SEVERAL = {
    "random:index/randomPassword:RandomPassword": ("password", "passwords"),
    "random:index/randomString:RandomString": ("user name", "user names"),
    "tls:index/privateKey:PrivateKey": ("private key", "private keys"),
    "tls:index/locallySignedCert:LocallySignedCert": ("certificate", "certificates"),
    "tls:index/selfSignedCert:SelfSignedCert": ("authority's certificate", "authorities' certificates"),
    "grafana:oss/dashboard:Dashboard": ("dashboard", "dashboards"),
    "grafana:alerting/ruleGroup:RuleGroup": ("group of alert rules", "groups of alert rules"),
    "grafana:oss/dataSource:DataSource": ("data source", "data sources"),
    "command:remote:Command": ("command on a host", "commands on hosts"),
    "command:local:Command": ("gate", "gates"),
}

LOST = {
    "aws:ebs/volume:Volume": "all measurements, dashboards and users on it are lost",
    "aws:s3/bucket:Bucket": "all backups in it are lost",
    "aws:ec2/eip:Eip": "browsers and agents need the new one, and this one cannot be recovered",
    "aws:ec2/networkInterface:NetworkInterface": "browsers and agents need the new one",
}
"""The consequence of deleting or replacing it."""

AWAY = "Grafana and InfluxDB are down until another has booted; the data volume stays"

DONE = {
    "delete": "deleted",
    "replace": "replaced",
    "unprotect": "no longer protected",
    "create": "created",
    "update": "changed",
    "again": "run again",
}
"""Kinds of changes, those that cannot be undone first."""
ORDER = tuple(DONE)
IRREVOCABLE = ("delete", "replace", "unprotect")

SERVER = "aws:ec2/instance:Instance"


def noun(change: Change) -> str:
    """What to call one resource."""
    if known := ONLY_ONE.get(change.kind):
        return known
    return f"{SEVERAL.get(change.kind, [change.kind.rpartition(':')[2]])[0]} {change.name}"


def counted(preview: Preview) -> str:
    """How many resources change, and how: «1 replaced, 2 changed»; «nothing changes»."""
    parts = [f"{len(found)} {DONE[op]}" for op in ORDER if (found := preview.of(op))]
    return ", ".join(parts) or "nothing changes"


def warnings(preview: Preview) -> list[tuple[str, str]]:
    """What would be deleted, replaced or lose its protection, the most important first: sentences, each with its
    consequence, or "" if none is known."""
    weights = [*ONLY_ONE, *SEVERAL]
    kinds = sorted(
        {(each.op, each.kind) for each in preview.changes if each.op in IRREVOCABLE},
        key=lambda pair: (weights.index(pair[1]) if pair[1] in weights else len(weights), ORDER.index(pair[0])),
    )
    return [sentence for op, kind in kinds for sentence in _of_one_kind(preview, op, kind)]


def _of_one_kind(preview: Preview, op: str, kind: str) -> Iterator[tuple[str, str]]:
    found = [change for change in preview.of(op) if change.kind == kind]
    follows = "" if op == "unprotect" else LOST.get(kind, "")
    if (op, kind) == ("replace", SERVER):
        follows = AWAY
    if kind in ONLY_ONE:
        yield f"{ONLY_ONE[kind]} is {DONE[op]}{_because(found)}", follows
        return
    one, many = SEVERAL.get(kind) or ((name := kind.rpartition(":")[2]), name)
    names = _listed(sorted(change.name for change in found))
    yield (
        f"{f'the {many}' if len(found) > 1 else f'the {one}'} {names} {'are' if len(found) > 1 else 'is'} {DONE[op]}",
        follows,
    )


def _because(found: Sequence[Change]) -> str:
    reasons = sorted({reason for change in found for reason in change.because})  # the engine has no order
    return f", because of {_listed(reasons)}" if reasons else ""


def _listed(names: Sequence[str]) -> str:
    """«a», «a and b», «a, b and c»."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
