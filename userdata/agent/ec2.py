# Part of the agents' installer, on EC2 instances chosen by tag: what AWS knows about the instance. Needs only Python
# 3.6 (RHEL 8) or later: RHEL 8's curl cannot sign requests, and not every machine has the AWS CLI.
#   python3 - identity                    the name to appear under; on a second line "ephemeral", if it is
#   python3 - parameter REGION URL NAME   a parameter's value, read with the instance's role
import datetime
import hashlib
import hmac
import json
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Dict, List, Optional

IMDS = "http://169.254.169.254/latest/"
TRIES = 6
LONGEST = 63
_token: List[str] = []


def ask(url: str, method: str, headers: Dict[str, str], data: Optional[bytes] = None) -> str:
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    return str(urllib.request.urlopen(request, timeout=10).read().decode())


# A value of the metadata service (docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html); empty if it
# has none.
def imds(path: str) -> str:
    try:
        if not _token:
            _token.append(ask(IMDS + "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "300"}))
        return ask(IMDS + "meta-data/" + path, "GET", {"X-aws-ec2-metadata-token": _token[0]})
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        sys.exit(f"the metadata service answers with status {error.code}")
    except OSError as error:
        sys.exit(f"this is no EC2 instance, or its metadata service is off: {error}")


# A name that settings/hosts.py accepts: not a monitoring server's, nor the dashboards' word for all hosts. Empty if
# there is none.
def usable(text: str, end: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[: LONGEST - len(end)].rstrip("._-")
    if not name or name == "All" or (name + end).lower().startswith("monitoring-"):
        return ""
    return name + end


# A Name tag can be any text, and is hidden unless the instance allows tags in its metadata. All instances of an Auto
# Scaling group have the same one, so their names end with the instance's ID.
def identity() -> None:
    here = imds("instance-id")
    ephemeral = imds("autoscaling/target-lifecycle-state") != ""
    end = here[1:] if ephemeral else ""
    print(usable(imds("tags/instance/Name"), end) or usable(socket.gethostname(), end) or here)
    print("ephemeral" if ephemeral else "")


# docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
def signed(key: Dict[str, str], region: str, host: str, body: bytes, target: str) -> Dict[str, str]:
    def digest(secret: bytes, text: str) -> bytes:
        return hmac.new(secret, text.encode(), hashlib.sha256).digest()

    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": now,
        "x-amz-security-token": key["Token"],
        "x-amz-target": target,
    }
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}\n" for name in sorted(headers)]
    asked = "\n".join(["POST", "/", "", "".join(lines), names, hashlib.sha256(body).hexdigest()])
    scope = f"{now[:8]}/{region}/ssm/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(asked.encode()).hexdigest()])
    secret = ("AWS4" + key["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        secret = digest(secret, part)
    signature = digest(secret, text).hex()
    credential = f"Credential={key['AccessKeyId']}/{scope}"
    headers["authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    return headers


def parameter(region: str, url: str, name: str) -> None:
    role = imds("iam/security-credentials/").strip()
    if not role:
        sys.exit(f"this instance has no role, with which it could read {name}")
    key = json.loads(imds("iam/security-credentials/" + role))
    if "SecretAccessKey" not in key:
        sys.exit(f"the role {role} cannot be used: {key.get('Message', key.get('Code'))}")
    body = json.dumps({"Name": name, "WithDecryption": True}).encode()
    why = ""
    for attempt in range(TRIES):
        time.sleep(2 * attempt)
        headers = signed(key, region, url.split("/")[2], body, "AmazonSSM.GetParameter")
        try:
            print(json.loads(ask(url, "POST", headers, body))["Parameter"]["Value"])
            return
        except urllib.error.HTTPError as error:
            said = json.loads(error.read().decode() or "{}")
            why = said.get("message") or said.get("Message") or said.get("__type") or f"status {error.code}"
            # Throttling is a 400, like a denial, after which another attempt is useless.
            again = error.code >= 500 or "Throttl" in said.get("__type", "")
        except OSError as error:
            why, again = str(error), True
        if not again:
            break
    sys.exit(f"cannot read the password in {name}: {why}")


if sys.argv[1] == "identity":
    identity()
else:
    parameter(*sys.argv[2:])
