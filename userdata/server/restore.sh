#!/bin/bash
# Fills a blank data volume from a backup (see backup), while InfluxDB runs and Grafana does not yet. Run by the boot script:
#   restore: if RESTORE_FROM is set; does nothing on a volume that has data
#   restore undo: before the services start, after a restore that was interrupted
#   restore adopt: with Grafana running, after a restore from another stack
set -Eeuo pipefail
# shellcheck source=userdata/server/backup.sh
. /etc/monitoring/backup
data=/srv/monitoring influxdb=/var/lib/influxdb grafana=/var/lib/grafana

say() { echo "monitoring: $*" | tee /dev/console || true; }
die() {
  trap - ERR
  # The readiness gate looks for these words.
  say "boot failed at line ${BASH_LINENO[0]} of restore: $* ($(date -u +%T))"
  exit 1
}
trap 'die "line $LINENO: $BASH_COMMAND"' ERR

# The newest complete backup below $from becomes $from.
find_latest() {
  local ids id
  s3 UNSIGNED-PAYLOAD -o "$work/list" "$bucket?delimiter=%2F&list-type=2&prefix=${from#*/}%2F" ||
    die "cannot list $from; is the bucket in $REGION, and is it named right?"
  ! grep -q '<IsTruncated>true' "$work/list" || die "$from has over 1000 backups; name one instead of latest"
  ids=$(grep -oE '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z/</Prefix>' "$work/list" | cut -d / -f 1 | sort -ru) || true
  for id in $ids; do
    if s3 UNSIGNED-PAYLOAD -o "$work/complete" "$from/$id/complete" 2>/dev/null; then
      from+=/$id
      return
    fi
  done
  die "there is no complete backup in $from; remove restoreFrom for an empty environment"
}

download() {
  local hash size name part
  say "restoring from $from"
  s3 UNSIGNED-PAYLOAD -o "$work/complete" "$from/complete" || die "$from does not exist, or is incomplete"
  while read -r hash size name; do
    [[ $name =~ ^[A-Za-z0-9._-]+$ ]] || die "$from lists a file named $name"
    s3 UNSIGNED-PAYLOAD -o "$work/files/$name" "$from/$name"
    [ "$(stat -c %s "$work/files/$name")" = "$size" ] || die "$name does not have its $size bytes"
    echo "$hash  $work/files/$name" >>"$work/sums"
  done <"$work/complete"
  sha256sum --quiet -c "$work/sums" || die "$from is damaged"
  for part in "$work"/files/*.part.aa; do
    [ -e "$part" ] || continue
    cat "${part%aa}"* >"${part%.part.aa}"
    rm "${part%aa}"*
  done
}

restore() {
  if [ ! -e $data/restoring ] && { [ -e $influxdb/data/telegraf ] || [ -e $grafana/grafana.db ]; }; then
    say "restoreFrom is ignored: the data volume has data already"
    return
  fi
  touch $data/restoring
  from=$RESTORE_FROM bucket=${RESTORE_FROM%%/*} work=$(mktemp -d $data/restore.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/files"
  case $from in
    */latest) from=${from%/latest} && find_latest ;;
  esac
  download
  mv "$work/files/grafana.db" "$work/grafana.db"
  if [ -n "$INFLUXDB_VERSION" ] && ls "$work"/files/*.manifest >/dev/null 2>&1; then
    influxd restore -portable "$work/files" >"$work/log" 2>&1 || die "InfluxDB: $(tail -n 1 "$work/log")"
  fi
  # Another stack has another secret_key: what was encrypted with the old one is lost, so its keys go, too.
  if [ "$bucket" != "$BACKUP_BUCKET" ]; then
    touch $data/foreign
    python3 - "$work/grafana.db" <<'END'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
for table in ("data_keys", "secret_data_key"):
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        database.execute(f"DELETE FROM {table}")
database.commit()
END
  fi
  install -m 640 -o grafana -g grafana "$work/grafana.db" $grafana/grafana.db
  echo "$from" >$data/restored
  rm $data/restoring
  say "restored from $from"
}

# Only the database: Grafana's folder also has plugins, which its package put there.
undo() {
  say "a restore was interrupted: it begins again"
  systemctl stop influxdb grafana-server 2>/dev/null || true
  rm -rf /var/lib/influxdb/* /var/lib/grafana/grafana.db* $data/restore.* $data/restoring
}

# api METHOD PATH: a request to Grafana, as Pulumi's user; 404 is fine
api() {
  local ca=()
  [ ! -f /etc/monitoring/ca.pem ] || ca=(--cacert /etc/monitoring/ca.pem)
  curl_option user "$AUTOMATION:$(cat /run/monitoring/work/values/grafana-automation-password)" |
    curl -sS -K - "${ca[@]}" -X "$1" "https://$LOCAL_NAME:3000/api/$2"
}

# Removes what Pulumi will create again; everything else stays.
adopt() {
  local path uid
  api DELETE v1/provisioning/policies >/dev/null
  for uid in $(api GET 'v1/provisioning/contact-points?name=Monitoring' | grep -oE '"uid": *"[^"]+"' | cut -d '"' -f 4 || true); do
    api DELETE "v1/provisioning/contact-points/$uid" >/dev/null
  done
  for path in 'folders/monitoring?forceDeleteRules=true' datasources/uid/influxdb datasources/uid/cloudwatch; do
    api DELETE "$path" >/dev/null
  done
  rm $data/foreign
}

"${1:-restore}"
