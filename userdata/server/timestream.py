#!/usr/bin/python3
# Sets up an InfluxDB 2 as the stack expects it: the bucket with its retention, its name in the 1.x API, one user that
# writes and one that reads. timestream.sh runs it with Secrets Manager's answer, which has the administrator's login,
# on standard input. It changes only what differs, so running it again changes nothing.
#
# docs.influxdata.com/influxdb/v2/api/v2; users for the 1.x API: v1/authorization/http_server.go of InfluxDB 2.7.
import base64
import json
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

OURS = "Made by Pulumi"
url, writer, reader, expiry, in_use, values = sys.argv[1:]
secret = json.loads(json.load(sys.stdin)["SecretString"])
headers = {"Content-Type": "application/json"}


def call(method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(f"{url}/{path}", data, headers, method=method), timeout=60) as answer:
            cookie = answer.headers["Set-Cookie"]
            content = answer.read()
    except HTTPError as error:
        # InfluxDB's message repeats names, but no password.
        sys.exit(f"{method} {path}: {error.code} {error.read()[:300].decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{url}: {error}")
    if cookie:
        headers["Cookie"] = cookie.partition(";")[0]
    return json.loads(content) if content else {}


headers["Authorization"] = "Basic " + base64.b64encode(f"{secret['username']}:{secret['password']}".encode()).decode()
call("POST", "api/v2/signin")
del headers["Authorization"]
(org,) = call("GET", "api/v2/orgs?" + urlencode({"org": secret["organization"]}))["orgs"]
of_org = urlencode({"orgID": org["id"]})
name = secret["bucket"]
(bucket,) = call("GET", f"api/v2/buckets?{of_org}&" + urlencode({"name": name}))["buckets"]
kept, shard = map(int, expiry.split())
rule = {"type": "expire", "everySeconds": kept, "shardGroupDurationSeconds": shard}
if bucket["retentionRules"] != [rule]:
    call("PATCH", f"api/v2/buckets/{bucket['id']}", {"retentionRules": [rule]})
mappings = call("GET", f"api/v2/dbrps?{of_org}&" + urlencode({"db": name}))["content"]
# A virtual mapping comes from the bucket's name alone, and does not count.
if not [each for each in mappings if each["retention_policy"] == "autogen" and not each.get("virtual")]:
    mapping = {"database": name, "retention_policy": "autogen", "default": True}
    call("POST", "api/v2/dbrps", {**mapping, "orgID": org["id"], "bucketID": bucket["id"]})
users = "private/legacy/authorizations"
found = call("GET", f"{users}?{of_org}")["authorizations"]
known = {each["token"]: each["id"] for each in found if each["description"] == OURS}
resource = {"type": "buckets", "id": bucket["id"], "orgID": org["id"]}
for user, action, stored in ((writer, "write", "telegraf"), (reader, "read", "grafana")):
    if user not in known:
        rights = [{"action": action, "resource": resource}]
        made = {"token": user, "description": OURS, "orgID": org["id"], "permissions": rights}
        known[user] = call("POST", users, made)["id"]
    password = Path(values, f"influxdb-{stored}-password").read_text()
    call("POST", f"{users}/{known[user]}/password", {"password": password})
if "all" not in in_use.split():
    for user in known.keys() - {writer, reader, *in_use.split()}:
        call("DELETE", f"{users}/{known[user]}")
call("POST", "api/v2/signout")
