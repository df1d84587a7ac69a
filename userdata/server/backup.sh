#!/bin/bash
# Backs up InfluxDB's and Grafana's databases to S3: BUCKET/STACK/TIME/, whose last object, `complete`, lists the others
# with size and SHA-256. Without it a backup does not count. Run by monitoring-backup.service.
#   backup status: the last backup's outcome, for Telegraf, in InfluxDB's line protocol
set -Eeuo pipefail
data=/srv/monitoring
status=$data/backup.status

# age: seconds since the last success, or since the volume was formatted
report() {
  local line="backup last_success=0i,failed=0i" last
  [ ! -r $status ] || line=$(<$status)
  last=${line#*last_success=} last=${last%%i*}
  ((last)) || last=$(stat -c %Y $data/lost+found)
  echo "$line,age=$(($(date +%s) - last))i"
}
if [ "${1-}" = status ]; then
  report
  exit
fi
# shellcheck source=/dev/null
. /etc/monitoring/aws

# s3 SHA256 CURL_OPTION... PATH: a request to S3 whose body has this hash; UNSIGNED-PAYLOAD if there is no body. It may
# take long, but not stall.
s3() {
  credentials | curl -sSf --retry 5 --connect-timeout 10 -Y 1 -y 60 -K - --aws-sigv4 "aws:amz:$REGION:s3" -H "x-amz-content-sha256: $1" \
    "${@:2:$#-2}" "$S3/${*: -1}"
}
# upload FILE KEY: S3 itself refuses a body with another hash
upload() {
  local hash size
  hash=$(sha256sum "$1") hash=${hash%% *} size=$(stat -c %s "$1")
  s3 "$hash" -o /dev/null -T "$1" "$folder/$2"
  echo "$hash $size $2" >>"$work/complete"
}
last_success() { report | grep -o 'last_success=[0-9]*i'; }
# note LINE: replaces the status with this line, atomically
note() {
  echo "backup $1" >$status.new
  chmod 644 $status.new
  mv $status.new $status
}
failed() {
  trap - ERR
  echo "monitoring: backup failed at line $1: $2"
  note "$(last_success),failed=1i"
  exit 1
}
# InfluxDB makes no backup before it has opened its database, which can take long: after a reboot a missed backup starts at
# the same time as InfluxDB. Without a login it answers 401.
opened() {
  local end=$((SECONDS + 3600))
  until curl -s -o /dev/null -m 10 ${TARGET_CA:+--cacert "$TARGET_CA"} "$TARGET/ping"; do
    ((SECONDS < end)) || return
    sleep 10
  done
}

backup() {
  trap 'failed $LINENO "$BASH_COMMAND"' ERR
  id=$(date -u +%Y-%m-%dT%H-%M-%SZ) folder=$BACKUP_BUCKET/$BACKUP_PREFIX/$id
  rm -rf $data/backup.*.d
  work=$(mktemp -d $data/backup.XXXXXX.d)
  trap 'rm -rf "$work"' EXIT
  local need free file
  need=$(du -sck /var/lib/influxdb /var/lib/grafana/grafana.db | awk 'END {print $1 + 65536}')
  free=$(df -k --output=avail $data | tail -1)
  ((need < free)) || failed $LINENO "needs $need KiB on the data volume, which has $free free"
  echo "monitoring: backup $id"
  if [ -n "$INFLUXDB_VERSION" ]; then
    opened || failed $LINENO "InfluxDB has not answered for an hour"
    influxd backup -portable "$work" >"$work/log" 2>&1 || failed $LINENO "$(tail -n 1 "$work/log")"
    rm "$work/log"
  fi
  # SQLite's own backup: a consistent copy while Grafana writes
  python3 - "$work/grafana.db" <<'END'
import sqlite3, sys
source = sqlite3.connect("file:/var/lib/grafana/grafana.db?mode=ro", uri=True, timeout=60)
source.backup(sqlite3.connect(sys.argv[1]))
END
  # S3 accepts 5 GB at once.
  find "$work" -size +4G -exec split -b 4G {} {}.part. ';' -delete
  for file in "$work"/*; do upload "$file" "${file##*/}"; done
  s3 "$(sha256sum "$work/complete" | cut -d ' ' -f 1)" -o /dev/null -T "$work/complete" "$folder/complete"
  local bytes
  bytes=$(awk '{sum += $2} END {printf "%d", sum}' "$work/complete")
  # For a Grafana whose database is damaged (grafana-database)
  if [ -e "$work/grafana.db" ]; then mv "$work/grafana.db" $data/grafana.db.copy; fi
  note "last_success=$(date +%s)i,bytes=${bytes}i,seconds=${SECONDS}i,failed=0i"
  echo "monitoring: backup $id complete, $bytes bytes in $SECONDS s"
}

# restore sources this file for its functions.
[ "${0##*/}" != backup ] || backup
