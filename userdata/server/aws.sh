# shellcheck shell=bash
# What root's scripts on the server need from AWS. Installed as /etc/monitoring/aws, which they source.
# shellcheck source=/dev/null
. /etc/monitoring/boot.conf
# shellcheck source=/dev/null
. /etc/monitoring/server.conf

imds() {
  local url=http://169.254.169.254/latest token
  token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $url/api/token)
  curl -sSf -H "X-aws-ec2-metadata-token: $token" "$url/meta-data/$1"
}
# The instance role's credentials, as options for curl's standard input
credentials() {
  imds "iam/security-credentials/$(imds iam/security-credentials/)" | python3 -c '
import json, sys
c = json.load(sys.stdin)
print("user = \"%(AccessKeyId)s:%(SecretAccessKey)s\"\nheader = \"X-Amz-Security-Token: %(Token)s\"" % c)'
}
