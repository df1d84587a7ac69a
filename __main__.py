"""A monitoring environment on AWS: Grafana, InfluxDB, Telegraf and CloudWatch.

Wiring only, in the order in which things come to be: settings, components, outputs.
"""

import pulumi
import pulumi_aws as aws

import settings
from components.agent import install_agents
from components.boards import boards
from components.certificates import server_certificate
from components.cloudwatch_access import CloudwatchUser
from components.grafana_content import AccessKey, GrafanaContent, Login
from components.influx import influx
from components.network import GRAFANA_PORT, Network, find_site
from components.parameters import Parameters, ServerRole
from components.passwords import Passwords
from components.readiness import Readiness, expectation
from components.server import Server, find_image
from components.stored import stored
from components.user_data import agent_script, server_user_data

config = settings.from_pulumi()
dashboards = boards(config)
tags = {**config.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}

provider = aws.Provider("aws", region=config.region, default_tags=aws.ProviderDefaultTagsArgs(tags=tags))
invoke = pulumi.InvokeOptions(provider=provider)
in_aws = pulumi.ResourceOptions(provider=provider)
anywhere = pulumi.ResourceOptions()

# What is already there.
site = find_site(config, invoke)
image = find_image(config, invoke)

# Identities and secrets, network.
with_key = config.cloudwatch_auth == "key"
user = CloudwatchUser("cloudwatch", config.access_key_generation, in_aws) if with_key else None
role = ServerRole("server", config.region, not with_key, in_aws, invoke)
passwords = Passwords("passwords", config.influxdb is None, anywhere)
network = Network("network", config, site, in_aws)
address = network.public_ip
certificate = server_certificate(config, address, anywhere)
database = influx(config, certificate, passwords, address)
values = stored(certificate, passwords, database)
parameters = Parameters("parameters", values, in_aws)

# The server, and the gate that everything else waits at.
user_data = server_user_data(
    config, certificate=certificate, influx=database, names=values, revision=parameters.revision, address=address
)
server = Server(
    "server",
    settings=config,
    site=site,
    network=network,
    image=image,
    profile_name=role.profile_name,
    user_data=user_data,
    opts=in_aws,
)
expected = expectation(config, address=address, certificate=certificate, passwords=passwords, influx=database)
reachable = [server.attachment, server.association, *network.rules]
readiness = Readiness("ready", expected, server.instance_id, reachable, anywhere)

# What Grafana shows.
reach = pulumi.Output.format("https://{0}:{1}", certificate.host, GRAFANA_PORT)
login = Login(reach, passwords.grafana_admin, certificate.ca)
GrafanaContent(
    "monitoring",
    settings=config,
    boards=dashboards,
    login=login,
    influx=database,
    key=AccessKey(user.access_key_id, user.secret_access_key) if user else None,
    instance=server.instance,
    ready=readiness.done,
    opts=anywhere,
)

# The machines that are watched.
install_agents(config.hosts, lambda host: agent_script(config, database, host), [readiness.done], anywhere)

grafana_url = pulumi.Output.format("https://{0}:{1}", config.domain or address, GRAFANA_PORT)
urls = {board.title: pulumi.Output.concat(grafana_url, "/d/", board.uid) for board in dashboards}
outputs = {
    "grafanaUrl": grafana_url,
    "grafanaAdminUser": "admin",
    "grafanaAdminPassword": passwords.grafana_admin,
    "influxdbUrl": database.url,
    "caCertificate": database.ca or certificate.ca or "",
    "agentInstallScript": agent_script(config, database),
    "dashboardUrls": urls,
    "cloudwatchAccessKeyId": user.access_key_id if user else "",
    "instanceId": server.instance_id,
}
for name, value in outputs.items():
    pulumi.export(name, value)
