# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store; telegraf.sh sources it: the variables are
# theirs, and the folders' names have no blanks.
# The InfluxDB that AWS runs: database, retention and users. The administrator's login only passes through pipes.

managed=${OTHER:-$TARGET}
say "setting up InfluxDB at $managed"
administrator_login() {
  credentials | curl -sSf -K - --aws-sigv4 "aws:amz:$REGION:secretsmanager" "$SECRETS" \
    -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: secretsmanager.GetSecretValue' \
    -d "{\"SecretId\": \"$INFLUXDB_SECRET\"}"
}
# Users of an earlier generation are deleted once every agent and Grafana have the new ones (state/users-in-use).
in_use=$(cat $work/state/users-in-use 2>$work/why || true)
set_up() { administrator_login | python3 $work/values/timestream.py "$managed" "$WRITER" "$READER" "$EXPIRY" "$in_use" $work/values; }
attempt 300 set_up
