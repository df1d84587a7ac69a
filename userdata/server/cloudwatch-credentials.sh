#!/bin/bash
# With `cloudwatchAuth: role`: assumes the role that reads CloudWatch and nothing else, and stores its credentials, valid for
# an hour, for Grafana, which cannot reach the metadata service. Installed as /etc/monitoring/cloudwatch-credentials, which
# monitoring-cloudwatch.timer runs. The format is that of a `credential_process` (docs.aws.amazon.com/sdkref/latest/guide/
# feature-process-credentials.html): Grafana's SDK asks again when they expire. It would read a credentials file only once.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/monitoring/aws
file=/etc/grafana/cloudwatch-credentials
trap 'rm -f $file.new' EXIT
install -m 600 /dev/null $file.new
credentials | curl -sSf --connect-timeout 10 --max-time 60 -K - --aws-sigv4 "aws:amz:$REGION:sts" "$STS" \
  -d Action=AssumeRole -d Version=2011-06-15 -d RoleSessionName=grafana --data-urlencode "RoleArn=$CLOUDWATCH_ROLE" |
  python3 -c '
import json, sys
from xml.etree import ElementTree
answer = ElementTree.parse(sys.stdin).iter("{https://sts.amazonaws.com/doc/2011-06-15/}Credentials")
found = {each.tag.rpartition("}")[2]: each.text for each in next(answer)}
json.dump({"Version": 1, **found}, sys.stdout)' >$file.new
chgrp grafana $file.new
chmod 640 $file.new
mv $file.new $file
