#!/bin/bash
# Once InfluxDB has found its volume full, of data or of files, it refuses all writes, even when there is room again: the
# buffer before its write-ahead log never forgets an error, and a shard that could not be opened stays closed. So this
# restarts it once there is room. Installed as /etc/monitoring/influxdb-room, which influxdb-room.timer runs.
set -euo pipefail
systemctl -q is-active influxdb || exit 0
# Only this run of InfluxDB: a restart has cleared the errors of earlier ones.
run=$(systemctl show -P InvocationID influxdb)
journalctl -q -n 1 --since -2h -g 'no space left on device' "_SYSTEMD_INVOCATION_ID=$run" >/dev/null || exit 0
read -r used files <<<"$(df --output=pcent,ipcent /srv/monitoring | tail -n 1)"
if ((${used%\%} < 99 && ${files%\%} < 99)); then
  echo "monitoring: the data volume has room again; restarting InfluxDB, which has refused writes since it was full"
  systemctl restart influxdb
fi
