"""A monitoring environment on AWS: Grafana, InfluxDB, Telegraf and CloudWatch. Wiring only, in order of creation."""

import pulumi

import settings
from components.answers import Answers
from components.backups import Backups
from components.data_volume import DataVolume
from components.dead_mans_switch import dead_mans_switch
from components.grafana_content import GrafanaContent, Login
from components.network import Network
from components.parameters import Parameters
from components.passwords import Passwords
from components.protected import Protected
from components.public_certificate import public_certificate
from components.readiness import Readiness
from components.server import Server
from components.server_role import ServerRole
from components.timestream import timestream
from program import engine, outputs
from program.boards import boards
from program.certificate import server_certificate
from program.cloudwatch import cloudwatch_reader
from program.gate import Gate
from program.hosts import hosts
from program.image import find_image
from program.influx import databases
from program.influx_users import users_in_use
from program.lean import lean
from program.provider import aws_provider
from program.site import find_site, subnet_near
from program.stored import stored
from program.user_data import server_parameters, server_user_data

lean()
config = settings.from_pulumi()
dashboards = boards(config)
engine.verify(config, dashboards)
tags = {**config.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}

provider, identity = aws_provider(*settings.configuration(), config.region, tags)
invoke, in_aws = pulumi.InvokeOptions(provider=provider), pulumi.ResourceOptions(provider=provider)
anywhere = pulumi.ResourceOptions()
image, site = find_image(config, invoke), find_site(config, invoke)
key = site.kms_key

# Identities and secrets, network.
role = ServerRole("server", config.region, in_aws, invoke, boundary=config.permissions_boundary, key=key)
reader = cloudwatch_reader(config, role.role_arn, in_aws)
generation = config.password_generation
passwords = Passwords("passwords", influxdb_users=config.makes_users, generation=generation, opts=anywhere)
network = Network("network", config, site, in_aws)
address = network.address
certificate = server_certificate(config, address, anywhere)
managed = timestream(config, site, network, role.role_name, in_aws)
influx = databases(config, certificate, passwords, managed)
backups = Backups("backups", config, role.role_name, role.partition, in_aws, key=key)
volume = DataVolume("data", config, site, in_aws)
files = server_parameters(
    config, influx, passwords.automation, address, volume, backups=backups, reader=reader, managed=managed
)
secret = stored(config, certificate, passwords, influx)
parameters = Parameters("parameters", secret, files, role.folder, in_aws, revision_key=passwords.revision_key, key=key)

# The server, and the gate that everything else waits for.
server = Server(
    "server",
    settings=config,
    site=site,
    subnet_id=subnet_near(volume.availability_zone, config, site, invoke),
    network=network,
    image=image,
    profile_name=role.profile_name,
    volume=volume,
    user_data=server_user_data(config, certificate, address, volume, role.folder),
    after=[parameters.complete, *public_certificate(config, site, role, in_aws)],
    opts=in_aws,
)
dead_mans_switch(config, server.instance_id, in_aws)
gate = Gate(config, address, certificate, passwords.automation, server.instance_id, parameters.revision)
reachable = [*server.links, *network.rules, *(managed.links if managed else [])]
readiness = Readiness("ready", gate, identity, reachable, anywhere)

# What Grafana shows, and the last gate: that it shows data.
login, ready = Login(certificate.host, passwords.automation, certificate.ca), readiness.done
content = GrafanaContent(
    "monitoring", config, dashboards, login, influx.shown, key=reader.key, lies_on=volume, ready=ready, opts=anywhere
)
answers = Answers("answers", gate, reader.key_id, content.sources, anywhere)

agents, by_tag = hosts(config, influx, role, stored=parameters.complete, ready=ready, in_aws=in_aws, key=key)
in_use = users_in_use(config, influx, [answers.done, *(a.installed for a in agents)], role.folder, in_aws)
everything = [reader.user, network, backups, volume, managed, parameters, server, readiness, content, answers, in_use]
Protected(config, everything, agents)

outputs.export(
    config, dashboards, gate, influx, volume, passwords=passwords, backups=backups, managed=managed, reader=reader
)
outputs.export_by_tag(by_tag)
