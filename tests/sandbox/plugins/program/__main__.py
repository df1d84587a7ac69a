"""Resources and functions of the aws stand-in, used as the product does. Settings vary it."""

import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
instance_type = config.get("instanceType") or "t4g.small"
user_data = config.get("userData") or "#cloud-config\n"
volume_size = config.get_int("volumeSize") or 10
secret = config.get_secret("secret") or pulumi.Output.secret("first-secret-value")

identity = aws.get_caller_identity()
capability = aws.ec2.get_instance_type(instance_type=instance_type)
architecture = capability.supported_architectures[-1]
ami = aws.ec2.get_ami(
    owners=["136693071363"],
    most_recent=True,
    filters=[
        {"name": "name", "values": [f"debian-13-{architecture.replace('x86_64', 'amd64')}-*"]},
        {"name": "architecture", "values": [architecture]},
    ],
)
vpc = aws.ec2.get_vpc(default=True)
subnets = aws.ec2.get_subnets(filters=[{"name": "vpc-id", "values": [vpc.id]}])
subnet = aws.ec2.get_subnet(id=sorted(subnets.ids)[0])

group = aws.ec2.SecurityGroup("server", vpc_id=vpc.id, description="stand-in", tags={"Name": "server"})
aws.vpc.SecurityGroupIngressRule(
    "grafana",
    security_group_id=group.id,
    ip_protocol="tcp",
    from_port=3000,
    to_port=3000,
    cidr_ipv4=config.get("operator") or "198.18.0.0/15",
)
aws.vpc.SecurityGroupEgressRule("all", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")

role = aws.iam.Role(
    "server",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ec2.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    ),
)
statement = {"Effect": "Allow", "Action": "cloudwatch:GetMetricData", "Resource": "*"}
document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
aws.iam.RolePolicy("server", role=role.name, policy=document)
profile = aws.iam.InstanceProfile("server", role=role.name)

parameter = aws.ssm.Parameter(
    "password", name="/stand-ins/password", type="SecureString", value=secret, tags={"Name": "password"}
)

policy = aws.iam.Policy("cloudwatch", policy=document, description="read")
people = aws.iam.Group("grafana")
aws.iam.GroupPolicyAttachment("grafana", group=people.name, policy_arn=policy.arn)
user = aws.iam.User("grafana", tags={"Name": "grafana"})
member = aws.iam.UserGroupMembership("grafana", user=user.name, groups=[people.name])
key = aws.iam.AccessKey("grafana", user=user.name, opts=pulumi.ResourceOptions(depends_on=[member]))

server = aws.ec2.Instance(
    "server",
    ami=ami.id,
    instance_type=instance_type,
    subnet_id=subnet.id,
    vpc_security_group_ids=[group.id],
    iam_instance_profile=profile.name,
    user_data=user_data,
    user_data_replace_on_change=config.get_bool("replace") is not False,
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1, "http_endpoint": "enabled"},
    root_block_device={"encrypted": True, "volume_type": "gp3", "volume_size": 8},
    credit_specification={"cpu_credits": "standard"},
    tags={"Name": "server"},
    volume_tags={"Name": "server"},
    opts=pulumi.ResourceOptions(ignore_changes=["ami"]),
)
address = aws.ec2.Eip("server", domain="vpc", tags={"Name": "server"})
aws.ec2.EipAssociation("server", allocation_id=address.id, instance_id=server.id)
volume = aws.ebs.Volume(
    "data", availability_zone=subnet.availability_zone, size=volume_size, type="gp3", encrypted=True
)
aws.ec2.VolumeAttachment(
    "data",
    device_name="/dev/sdf",
    volume_id=volume.id,
    instance_id=server.id,
    stop_instance_before_detaching=True,
    opts=pulumi.ResourceOptions(delete_before_replace=True),
)

pulumi.export("account", identity.account_id)
pulumi.export("instanceId", server.id)
pulumi.export("publicIp", address.public_ip)
pulumi.export("volumeId", volume.id)
pulumi.export("keyId", key.id)
pulumi.export("keySecret", key.secret)
pulumi.export("parameter", parameter.value)
pulumi.export("groupId", group.id)
pulumi.export("userName", user.name)
