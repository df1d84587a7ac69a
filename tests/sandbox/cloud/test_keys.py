"""KMS keys, and the services that use them on behalf of their callers: parameters, volumes and objects."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from sandbox.cloud import ACCOUNT
from tests.sandbox.cloud.conftest import REGION, Cloud, allow, key_id, kms_key, refusal

DENIED = (400, "AccessDeniedException")
INVALID = (400, "InvalidKeyId")


def via(service: str, **context: str) -> dict[str, Any]:
    """A condition that allows the key's use through this service only, with this encryption context."""
    like = {f"kms:EncryptionContext:{name.replace('__', ':')}": value for name, value in context.items()}
    equals = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}}
    return {"Condition": {**equals, **({"StringLike": like} if like else {})}}


def unusable(aws: Cloud) -> dict[str, str]:
    """ARNs of keys that cannot encrypt, by what is wrong with them."""
    kms, disabled, pending = aws.client("kms"), kms_key(aws), kms_key(aws)
    kms.disable_key(KeyId=key_id(disabled))
    kms.schedule_key_deletion(KeyId=key_id(pending), PendingWindowInDays=7)
    signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    asymmetric = kms.create_key(KeyUsage="ENCRYPT_DECRYPT", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    elsewhere = aws.client("kms", region="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    missing = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{uuid.uuid4()}"
    return {
        "disabled": disabled,
        "pending": pending,
        "signing": signing,
        "asymmetric": asymmetric,
        "elsewhere": elsewhere,
        "missing": missing,
    }


# --- The key itself


def test_a_disabled_key_or_one_pending_deletion_is_refused(aws: Cloud) -> None:
    kms, arn = aws.client("kms"), kms_key(aws)
    made = kms.encrypt(KeyId=arn, Plaintext=b"a")["CiphertextBlob"]
    kms.disable_key(KeyId=key_id(arn))
    assert refusal(kms.decrypt, CiphertextBlob=made) == (400, "DisabledException")
    assert refusal(kms.generate_data_key, KeyId=arn, KeySpec="AES_256") == (400, "DisabledException")
    kms.schedule_key_deletion(KeyId=key_id(arn), PendingWindowInDays=7)
    assert refusal(kms.decrypt, CiphertextBlob=made) == (400, "KMSInvalidStateException")
    kms.cancel_key_deletion(KeyId=key_id(arn))
    kms.enable_key(KeyId=key_id(arn))
    assert kms.decrypt(CiphertextBlob=made)["Plaintext"] == b"a"


def test_a_key_allowed_for_one_service_cannot_be_used_directly(aws: Cloud) -> None:
    arn = kms_key(aws)
    kms = aws.client("kms", aws.user(allow("kms:Encrypt", resource=arn, **via("ssm"))))
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"a") == DENIED


# --- Parameters


def test_writing_and_reading_a_parameter_need_permissions_for_its_key(aws: Cloud) -> None:
    key, name = kms_key(aws), f"/{uuid.uuid4()}/a"
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"
    parameters = allow("ssm:PutParameter", "ssm:GetParameter", "ssm:GetParametersByPath")
    wanted = {"Name": name, "Value": "secret", "Type": "SecureString", "KeyId": key}
    reading, folder = {"Name": name, "WithDecryption": True}, {"Path": name.removesuffix("/a"), "WithDecryption": True}

    def ssm(*more: dict[str, Any]) -> Any:
        return aws.client("ssm", aws.user(parameters, *more))

    assert refusal(ssm().put_parameter, **wanted) == DENIED
    ssm(allow("kms:Encrypt", resource=key, **via("ssm", PARAMETER_ARN=arn))).put_parameter(**wanted)
    assert (
        aws.client("ssm").describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"][0][
            "KeyId"
        ]
        == key
    )
    for read, how in ((ssm().get_parameter, reading), (ssm().get_parameters_by_path, folder)):
        assert refusal(read, **how) == DENIED
        read(**{**how, "WithDecryption": False})
    others = allow("kms:Decrypt", resource=key, **via("ssm", PARAMETER_ARN=f"{arn}b"))
    assert refusal(ssm(others).get_parameter, **reading) == DENIED
    elsewhere = allow("kms:Decrypt", resource=key, **via("s3", PARAMETER_ARN=arn))
    assert refusal(ssm(elsewhere).get_parameter, **reading) == DENIED
    reader = ssm(allow("kms:Decrypt", resource=key, **via("ssm", PARAMETER_ARN=arn)))
    assert reader.get_parameter(**reading)["Parameter"]["Value"] == "secret"
    assert reader.get_parameters_by_path(**folder)["Parameters"][0]["Value"] == "secret"


def test_an_advanced_parameter_is_encrypted_with_a_data_key(aws: Cloud) -> None:
    key = kms_key(aws)
    wanted = {"Name": f"/{uuid.uuid4()}", "Value": "a", "Type": "SecureString", "KeyId": key, "Tier": "Advanced"}
    writing = allow("ssm:PutParameter")
    encrypting = aws.client("ssm", aws.user(writing, allow("kms:Encrypt", resource=key)))
    assert refusal(encrypting.put_parameter, **wanted) == DENIED
    aws.client("ssm", aws.user(writing, allow("kms:GenerateDataKey", resource=key))).put_parameter(**wanted)


def test_overwriting_a_parameter_without_a_key_uses_the_default_key(aws: Cloud) -> None:
    ssm, key, name = aws.client("ssm"), kms_key(aws), f"/{uuid.uuid4()}"
    ssm.put_parameter(Name=name, Value="a", Type="SecureString", KeyId=key)
    ssm.put_parameter(Name=name, Value="b", Type="SecureString", Overwrite=True)
    (found,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    assert found["KeyId"] == "alias/aws/ssm"


@pytest.mark.parametrize("wrong", ["disabled", "pending", "signing", "asymmetric", "elsewhere", "missing"])
def test_a_parameter_cannot_be_written_with_an_unusable_key(aws: Cloud, wrong: str) -> None:
    wanted = {"Name": f"/{uuid.uuid4()}", "Value": "a", "Type": "SecureString", "KeyId": unusable(aws)[wrong]}
    assert refusal(aws.client("ssm").put_parameter, **wanted) == INVALID


def test_a_parameter_whose_key_is_disabled_cannot_be_read(aws: Cloud) -> None:
    ssm, key, folder = aws.client("ssm"), kms_key(aws), f"/{uuid.uuid4()}"
    ssm.put_parameter(Name=f"{folder}/a", Value="a", Type="SecureString", KeyId=key)
    aws.client("kms").disable_key(KeyId=key_id(key))
    assert refusal(ssm.get_parameter, Name=f"{folder}/a", WithDecryption=True) == INVALID
    assert refusal(ssm.get_parameters_by_path, Path=folder, WithDecryption=True) == INVALID
    assert ssm.get_parameter(Name=f"{folder}/a")["Parameter"]["Value"] != "a"


# --- Volumes


def volume(key: str) -> dict[str, Any]:
    return {"AvailabilityZone": f"{REGION}a", "Size": 1, "Encrypted": True, "KmsKeyId": key}


def test_creating_a_volume_needs_permission_for_ec2_to_use_its_key(aws: Cloud) -> None:
    key = kms_key(aws)
    making, for_aws = allow("ec2:*"), {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    data_key = allow("kms:GenerateDataKeyWithoutPlaintext", resource=key, **via("ec2"))
    grant = {**allow("kms:CreateGrant", resource=key), "Condition": for_aws}
    for rights in ([], [data_key], [grant]):
        ec2 = aws.client("ec2", aws.user(making, *rights))
        assert refusal(ec2.create_volume, **volume(key)) == (403, "UnauthorizedOperation")
    made = aws.client("ec2", aws.user(making, data_key, grant)).create_volume(**volume(key))
    assert made["KmsKeyId"] == key
    alias = f"alias/a-{uuid.uuid4()}"
    aws.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    assert aws.client("ec2").create_volume(**volume(alias))["KmsKeyId"] == key


@pytest.mark.parametrize("wrong", ["disabled", "pending", "signing", "asymmetric", "elsewhere", "missing"])
def test_a_volume_cannot_be_created_with_an_unusable_key(aws: Cloud, wrong: str) -> None:
    key = unusable(aws)[wrong]
    assert refusal(aws.client("ec2").create_volume, **volume(key))[0] == 400
    device = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True, "KmsKeyId": key}}
    request = {"ImageId": aws.image(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
    assert refusal(aws.client("ec2").run_instances, **request, BlockDeviceMappings=[device])[0] == 400


# --- Objects


def bucket_with(aws: Cloud, key: str, *, bucket_key: bool) -> str:
    s3, name = aws.client("s3"), f"bucket-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    encrypt(aws, name, key, bucket_key=bucket_key)
    return name


def encrypt(aws: Cloud, bucket: str, key: str, *, bucket_key: bool) -> None:
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": bucket_key}
    aws.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


@pytest.mark.parametrize(("bucket_key", "named"), [(True, "arn:aws:s3:::{}"), (False, "arn:aws:s3:::{}/a")])
def test_the_encryption_context_names_the_object_or_its_bucket(aws: Cloud, bucket_key: bool, named: str) -> None:
    key = kms_key(aws)
    bucket = bucket_with(aws, key, bucket_key=bucket_key)
    objects = allow("s3:PutObject", "s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*")

    def s3(context: str, *actions: str) -> Any:
        return aws.client("s3", aws.user(objects, allow(*actions, resource=key, **via("s3", aws__s3__arn=context))))

    denied, right = (403, "AccessDenied"), named.format(bucket)
    wrong = s3(f"arn:aws:s3:::{bucket}/b", "kms:GenerateDataKey", "kms:Decrypt")
    assert refusal(wrong.put_object, Bucket=bucket, Key="a", Body=b"a") == denied
    s3(right, "kms:GenerateDataKey").put_object(Bucket=bucket, Key="a", Body=b"a")
    assert refusal(wrong.get_object, Bucket=bucket, Key="a") == denied
    assert s3(right, "kms:Decrypt").get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_an_object_is_read_with_the_key_it_was_written_with(aws: Cloud) -> None:
    former, key = kms_key(aws), kms_key(aws)
    bucket = bucket_with(aws, former, bucket_key=True)
    aws.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    encrypt(aws, bucket, key, bucket_key=True)
    rights = [allow("s3:GetObject"), allow("kms:Decrypt", resource=key)]
    reader = aws.client("s3", aws.user(*rights))
    assert refusal(reader.get_object, Bucket=bucket, Key="a") == (403, "AccessDenied")
    reader = aws.client("s3", aws.user(*rights, allow("kms:Decrypt", resource=former)))
    assert reader.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_objects_of_a_disabled_key_can_be_neither_read_nor_written(aws: Cloud) -> None:
    s3, key = aws.client("s3"), kms_key(aws)
    bucket = bucket_with(aws, key, bucket_key=True)
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    aws.client("kms").disable_key(KeyId=key_id(key))
    assert refusal(s3.get_object, Bucket=bucket, Key="a") == (400, "KMS.DisabledException")
    assert refusal(s3.put_object, Bucket=bucket, Key="b", Body=b"a") == (400, "KMS.DisabledException")
