"""S3: access to buckets and objects, and what is refused."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.cloud import s3
from tests.sandbox.cloud.conftest import REGION, Cloud, Key, allow, policy, refusal

HERE = {"LocationConstraint": REGION}


@pytest.fixture
def bucket(aws: Cloud) -> Iterator[str]:
    name = f"bucket-{uuid.uuid4()}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=HERE)
    yield name


def send(
    aws: Cloud, key: Key, method: str, path: str, body: bytes = b"", *, region: str = REGION, **headers: str
) -> Any:
    """Send a signed request without boto3's checks. headers: replace the signed ones."""
    given = {"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest(method=method, url=aws.url + path, data=body, headers=given)
    S3SigV4Auth(Credentials(key.id, key.secret, key.token), "s3", region).add_auth(request)
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, aws.url + path, data=body, headers={**request.headers, **changed}, timeout=10)


def test_objects_are_stored_listed_and_deleted(aws: Cloud, bucket: str) -> None:
    client, key = aws.client("s3"), "a folder/with + signs & more.txt"
    client.put_object(Bucket=bucket, Key=key, Body=b"content")
    assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"content"
    assert client.head_object(Bucket=bucket, Key=key)["ContentLength"] == 7
    listed = client.list_objects_v2(Bucket=bucket, Prefix="a folder/")
    assert [each["Key"] for each in listed["Contents"]] == [key]
    assert client.list_objects_v2(Bucket=bucket, Delimiter="/")["CommonPrefixes"] == [{"Prefix": "a folder/"}]
    client.delete_object(Bucket=bucket, Key=key)
    assert refusal(client.get_object, Bucket=bucket, Key=key) == (404, "NoSuchKey")


def test_an_object_may_be_larger_than_any_other_request(aws: Cloud, bucket: str) -> None:
    client, body = aws.client("s3"), b"x" * (5 * 1024 * 1024)
    client.put_object(Bucket=bucket, Key="large", Body=body)
    assert client.get_object(Bucket=bucket, Key="large")["Body"].read() == body


def test_curl_s_signatures_are_accepted(aws: Cloud, bucket: str, tmp_path: Path) -> None:
    """With the options that userdata/server/backup.sh uses."""
    key = aws.user(allow("s3:PutObject", "s3:GetObject", "s3:ListBucket"))
    file = tmp_path / "file"
    file.write_bytes(b"from curl")
    digest = hashlib.sha256(b"from curl").hexdigest()
    curl = ["curl", "-sS", "-K", "-", "--aws-sigv4", f"aws:amz:{REGION}:s3", "-w", "%{http_code}"]
    user = f'user = "{key.id}:{key.secret}"\n'

    def run(*arguments: str) -> str:
        done = subprocess.run([*curl, *arguments], input=user, capture_output=True, text=True, check=True)
        return done.stdout

    put = ("-H", f"x-amz-content-sha256: {digest}", "-T", str(file), f"{aws.url}/{bucket}/stack/one")
    assert run(*put) == "200"
    get = ("-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD")
    assert run(*get, f"{aws.url}/{bucket}/stack/one") == "from curl200"
    assert "<Key>stack/one</Key>" in run(*get, f"{aws.url}/{bucket}?list-type=2&prefix=stack%2F")
    file.write_bytes(b"something else")
    assert "XAmzContentSHA256Mismatch" in run(*put)


def test_a_bucket_has_one_owner_and_must_be_empty_to_be_deleted(aws: Cloud, bucket: str) -> None:
    client = aws.client("s3")
    again = refusal(client.create_bucket, Bucket=bucket, CreateBucketConfiguration=HERE)
    assert again == (409, "BucketAlreadyOwnedByYou")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=bucket, Key="one", Body=b"")
    assert refusal(client.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    # In a versioned bucket, a deleted object still exists, below a delete marker.
    client.delete_object(Bucket=bucket, Key="one")
    assert refusal(client.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    listed = client.list_object_versions(Bucket=bucket)
    for each in listed["Versions"] + listed["DeleteMarkers"]:
        client.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    client.delete_bucket(Bucket=bucket)
    assert refusal(client.head_bucket, Bucket=bucket)[0] == 404


def test_a_new_bucket_is_private_and_encrypted(aws: Cloud, bucket: str) -> None:
    client = aws.client("s3")
    block = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    public = policy(
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    )
    assert refusal(client.put_bucket_policy, Bucket=bucket, Policy=public) == (403, "AccessDenied")


def test_signatures_keys_regions_and_checksums_are_verified(aws: Cloud, bucket: str) -> None:
    key, path = aws.user(allow("s3:*")), f"/{bucket}/one"
    assert send(aws, key, "PUT", path, b"body").status_code == 200
    wrong = Key(key.id, "x" * 40)
    assert "SignatureDoesNotMatch" in send(aws, wrong, "PUT", path, b"body").text
    assert "InvalidAccessKeyId" in send(aws, Key("AKIA" + "X" * 16, "x"), "PUT", path).text
    assert "AuthorizationHeaderMalformed" in send(aws, key, "GET", path, region="us-west-2").text
    changed = send(aws, key, "PUT", path, b"body", x_amz_checksum_sha256="AAAA")
    assert "BadDigest" in changed.text
    assert requests.get(aws.url + path, timeout=10).status_code == 403


PREFIX = {"StringLike": {"s3:prefix": "mine/*"}}


def test_a_policy_can_limit_access_to_a_prefix(aws: Cloud, bucket: str) -> None:
    """As in the policy of components/backups.py: put and get below a prefix, list with it, nothing else."""
    arn = f"arn:aws:s3:::{bucket}"
    key = aws.user(
        allow("s3:PutObject", "s3:GetObject", resource=f"{arn}/mine/*"),
        allow("s3:ListBucket", resource=arn, Condition=PREFIX),
    )
    client, admin = aws.client("s3", key), aws.client("s3")
    client.put_object(Bucket=bucket, Key="mine/one", Body=b"1")
    admin.put_object(Bucket=bucket, Key="other/one", Body=b"1")
    assert client.get_object(Bucket=bucket, Key="mine/one")["Body"].read() == b"1"
    assert client.list_objects_v2(Bucket=bucket, Prefix="mine/")["KeyCount"] == 1
    denied = (403, "AccessDenied")
    assert refusal(client.put_object, Bucket=bucket, Key="other/two", Body=b"") == denied
    assert refusal(client.get_object, Bucket=bucket, Key="other/one") == denied
    assert refusal(client.list_objects_v2, Bucket=bucket) == denied
    assert refusal(client.list_objects_v2, Bucket=bucket, Prefix="other/") == denied
    assert refusal(client.delete_object, Bucket=bucket, Key="mine/one") == denied
    assert refusal(client.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "mine/one"}]}) == denied
    assert refusal(client.delete_bucket, Bucket=bucket) == denied
    assert refusal(client.list_buckets) == denied
    # Without the right to list, a missing object looks like a forbidden one.
    assert refusal(client.get_object, Bucket=bucket, Key="mine/none") == denied
    assert refusal(admin.get_object, Bucket=bucket, Key="mine/none") == (404, "NoSuchKey")


def test_a_bucket_policy_can_demand_tls(aws: Cloud, bucket: str) -> None:
    """This endpoint uses plain HTTP; the machines' endpoint does not (tests/live/test_backups.py)."""
    client, arn = aws.client("s3"), f"arn:aws:s3:::{bucket}"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    only_tls = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    client.put_bucket_policy(Bucket=bucket, Policy=policy(only_tls))
    assert refusal(client.put_object, Bucket=bucket, Key="one", Body=b"") == (403, "AccessDenied")
    assert refusal(client.list_objects_v2, Bucket=bucket) == (403, "AccessDenied")


def test_unsupported_operations_are_refused(aws: Cloud, bucket: str) -> None:
    client = aws.client("s3")
    assert refusal(client.create_multipart_upload, Bucket=bucket, Key="one")[0] == 501
    assert refusal(client.put_bucket_acl, Bucket=bucket, ACL="private")[0] == 501


@pytest.mark.parametrize(
    ("host", "path"),
    [("s3.eu-central-1.amazonaws.com", "/b-1/a/b%20c"), ("b-1.s3.eu-central-1.amazonaws.com", "/a/b%20c")],
)
def test_both_url_styles_name_the_same_object(host: str, path: str) -> None:
    wanted = s3.parse("GET", host, path, "versionId=3", headers={}, body=b"")
    assert (wanted.bucket, wanted.key) == ("b-1", "a/b c")
    assert wanted.actions == (("s3:GetObjectVersion", "arn:aws:s3:::b-1/a/b c"),)


def test_emptying_a_versioned_bucket_includes_its_delete_markers(aws: Cloud, bucket: str) -> None:
    client = aws.client("s3")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("deleted", "kept"):
        client.put_object(Bucket=bucket, Key=key, Body=b"once")
        client.put_object(Bucket=bucket, Key=key, Body=b"twice")
    client.delete_object(Bucket=bucket, Key="deleted")
    # As `pulumi destroy` does first.
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    page = client.list_object_versions(Bucket=bucket)
    listed = [*page["Versions"], *page["DeleteMarkers"]]
    assert len(listed) == 5
    objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
    client.delete_objects(Bucket=bucket, Delete={"Objects": objects[:1], "Quiet": True})
    assert len(client.list_object_versions(Bucket=bucket)["Versions"]) == 3
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert "Errors" not in answer
    assert "Versions" not in client.list_object_versions(Bucket=bucket)
    client.delete_bucket(Bucket=bucket)
