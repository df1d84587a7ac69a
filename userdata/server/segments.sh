#!/bin/bash
# Before each start of InfluxDB: keeps it from appending to a write-ahead log that may end in the middle of an entry (full
# volume, power cut, kill -9). InfluxDB cuts such an end off, but only after it has looked up where to continue: what it
# then writes lies behind a hole, and the next start drops all of it, acknowledged or not. After an empty segment it
# continues in a new one. Installed as /etc/monitoring/influxdb-segments.
set -euo pipefail
shopt -s nullglob
# Without meta.db InfluxDB would start without databases, and number its shards from one, in folders that have data.
meta=/var/lib/influxdb/meta/meta.db
if [ ! -e $meta ] && [ -s $meta.copy ]; then cp -p $meta.copy $meta; fi
for shard in /var/lib/influxdb/wal/*/*/*/; do
  last=
  for last in "$shard"_*.wal; do :; done
  if [ -s "$last" ]; then
    number=${last##*/_}
    : >"$shard$(printf '_%05d.wal' $((10#${number%.wal} + 1)))"
  fi
done
