#!/bin/bash
# Checks whether InfluxDB really stores and finds measurements: it can answer /ping forever and do neither. It sets a damaged
# file aside (renames it to .bad) when it opens the shard, and the shard then stays closed until the next start: writes to it
# are refused, reads find nothing. Installed as /etc/monitoring/influxdb-probe, which influxdb-probe.timer runs:
#   influxdb-probe: writes a point and reads it. It restarts InfluxDB at once if that has set a file aside since its start,
#     otherwise after four failures in a row; after each such restart only after twice as many, up to 64 (half an hour), until
#     ten minutes without failure have passed. While all is well it keeps a copy of meta.db (databases, users, shards),
#     without which InfluxDB does not start, and replaces a damaged one with it. It deletes an unreadable series file, which
#     InfluxDB rebuilds from the measurements, and reports what a damaged log has lost
#   influxdb-probe status: the files that were set aside, for Telegraf, in InfluxDB's line protocol
set -euo pipefail
run=/run/influxdb-probe
if [ "${1-}" = status ]; then
  [ ! -r $run/status ] || cat $run/status
  exit
fi
# shellcheck source=/dev/null
. /etc/monitoring/boot.conf
# shellcheck source=/dev/null
. /etc/monitoring/server.conf
home=/var/lib/influxdb
data=$home/data
failures=0 limit=4 well=0
# shellcheck source=/dev/null
[ ! -r $run/state ] || . $run/state
note() { echo "failures=$failures limit=$limit well=$well" >$run/state; }
restart() {
  echo "monitoring: $1; InfluxDB is started again"
  failures=0 well=0
  note
  systemctl restart influxdb
  exit
}
# A request as InfluxDB's administrator, for ten seconds at most
ask() {
  curl_option user "admin:$(cut -d ' ' -f 2 /etc/monitoring/influxdb-administrator)" |
    curl -sS -m 10 ${TARGET_CA:+--cacert "$TARGET_CA"} -K - "$@"
}

find $home -name '*.bad' -printf '%P %s\n' | sed -E 's/[ ,=]/\\&/g; s/(.*)\\ (.*)/influxdb_bad_file,file=\1 bytes=\2i/' >$run/status.new
mv $run/status.new $run/status
# InfluxDB's last message at every start with a damaged meta.db (cmd/influxd/run/command.go). No revision counts as applied
# afterwards, so that the boot script sets passwords and the retention again.
meta=$home/meta/meta.db
if [[ $(journalctl -q -n 1 -o cat _SYSTEMD_UNIT=influxdb.service) == "run: create server: proto: "* ]]; then
  if [ ! -s $meta.copy ]; then
    echo "monitoring: InfluxDB's meta.db is damaged, and there is no copy of it: restore a backup to a new data volume"
    exit
  fi
  systemctl stop influxdb
  mv $meta $meta.bad
  cp -p $meta.copy $meta
  rm -f /run/monitoring/applied
  restart "InfluxDB's meta.db was damaged: a copy is in its place"
fi
systemctl -q is-active influxdb || exit 0
started=$(systemctl show --timestamp=unix -P InactiveExitTimestamp influxdb)
# Each file only once: after the clock was set back, a file may seem newer than every start for hours.
bad=$(find $data -name '*.bad' -newerct "$started" -printf '%P\n' | grep -vxF "$(cat $run/seen 2>/dev/null)" | tee -a $run/seen) || true
[ -z "$bad" ] || restart "InfluxDB has set aside ${bad//$'\n'/ }"
# A full volume refuses writes, too, which a restart does not fix.
read -r used files <<<"$(df --output=pcent,ipcent /srv/monitoring | tail -n 1)"
((${used%\%} < 99 && ${files%\%} < 99)) || exit 0
if code=$(ask -o /dev/null -w '%{http_code}' "$TARGET/write?db=$DATABASE" --data-binary "influxdb_probe,host=$MACHINE up=1i"); then
  # A refusal is an answer.
  case $code in 4*) exit ;; esac
else
  case $? in
    # InfluxDB does not listen before it has opened its shards, which can take long; and an invalid certificate, as when
    # the clock is hours behind, is not InfluxDB's failure.
    7 | 60) exit 0 ;;
  esac
fi
if [ "$code" = 204 ] &&
  ask -G "$TARGET/query?db=$DATABASE" --data-urlencode "q=SELECT last(up) FROM influxdb_probe WHERE time > now() - 1m AND time <= now()" |
  grep -q '"values"'; then
  failures=0 well=$((well + 1))
  if ((well == 20)); then limit=4; fi
  note
  if ! cmp -s $meta $meta.copy; then
    cp -p $meta $meta.new
    mv $meta.new $meta.copy
  fi
  # Once per run of InfluxDB, which reads its logs before it listens, and a damaged one only up to the damage
  # (tsdb/engine/tsm1/cache.go, CacheLoader). An entry at the end that a power cut tore was not acknowledged.
  if [ "$(cat $run/logs 2>/dev/null)" != "$started" ]; then
    journalctl -q -o cat -g 'msg="(Reading file|File corrupt)"' "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID influxdb)" |
      awk 'match($0, /path=[^ ]+/) {
        path = substr($0, RSTART + 5, RLENGTH - 5)
        if (match($0, /size=[0-9]+/)) size[path] = substr($0, RSTART + 5, RLENGTH - 5)
        else if (match($0, /pos=[0-9]+/)) print "monitoring: InfluxDB gave up the last " size[path] - substr($0, RSTART + 4, RLENGTH - 4) \
          " of " size[path] " bytes of the damaged log " path
      }' || true
    echo "$started" >$run/logs
  fi
else
  lost=$(journalctl -q -o cat --since -2min -g 'error loading series file' _SYSTEMD_UNIT=influxdb.service |
    grep -oP 'series file for database \\+"\K[^"\\/]+(?=\\*": (EOF|unexpected EOF|invalid series))' | sort -u) || true
  if [ -n "$lost" ]; then
    systemctl stop influxdb
    while read -r name; do rm -rf "$data/$name/_series"; done <<<"$lost"
    restart "InfluxDB's series file of ${lost//$'\n'/, } was damaged: it is made again"
  fi
  failures=$((failures + 1)) well=0
  note
  if ((failures >= limit)); then
    tried=$failures limit=$((limit < 64 ? limit * 2 : 64))
    restart "InfluxDB failed to store and find a point $tried times (status ${code:-none})"
  fi
fi
