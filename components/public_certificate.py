"""The server's permission to get a public certificate for its name (`publicCertificate`)."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.server_role import ServerRole
from program.policies import document
from program.site import Site
from settings import Settings

CHANGE = "route53:ChangeResourceRecordSets"


class PublicCertificate(pulumi.ComponentResource):
    """The permission to prove to a certificate authority that the server's name belongs to the stack.

    Produces: a policy of the server's role. The role may write and delete one record of one zone,
    `_acme-challenge.DOMAIN` of the type TXT (RFC 8555, 8.4), and wait until Route 53's servers have it. It also lists
    zones, because certbot looks for the zone itself (certbot-dns-route53); that action cannot be restricted to
    resources (docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html). The condition keys:
    docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html.

    Attributes: policy.
    """

    def __init__(self, name: str, domain: str, zone_id: str, role: ServerRole, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:PublicCertificate", name, None, opts)
        only = {
            f"{CHANGE}NormalizedRecordNames": [f"_acme-challenge.{domain}"],
            f"{CHANGE}RecordTypes": ["TXT"],
            f"{CHANGE}Actions": ["UPSERT", "DELETE"],
        }
        route53 = f"arn:{role.partition}:route53:::"
        zone = f"{route53}hostedzone/{zone_id}"
        only_this = {"ForAllValues:StringEquals": only}
        rights = document(
            {"Sid": "FindZone", "Effect": "Allow", "Action": "route53:ListHostedZones", "Resource": "*"},
            {"Sid": "ProveName", "Effect": "Allow", "Action": CHANGE, "Resource": zone, "Condition": only_this},
            {"Sid": "AwaitProof", "Effect": "Allow", "Action": "route53:GetChange", "Resource": f"{route53}change/*"},
        )
        # A fixed name, as in components/server_role.py.
        self.policy = aws.iam.RolePolicy(
            name, name="certificate", role=role.role_name, policy=rights, opts=pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({})


def public_certificate(
    settings: Settings, site: Site, role: ServerRole, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """The policy, if there is to be a public certificate."""
    if not (settings.public_certificate and settings.domain and site.dns_zone_id):
        return []
    return [PublicCertificate("certificate", settings.domain, site.dns_zone_id, role, opts).policy]
