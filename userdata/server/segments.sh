#!/bin/bash
# Before each start of InfluxDB: it shall not append to a write-ahead log that may end in the middle of an entry (full
# volume, power cut, kill -9). It cuts such an end off, but only after it has looked where to go on: what it then writes
# lies behind a hole, and all of it is given up at the start after this one, acknowledged or not. Next to an empty
# segment it goes on in a new one. Installed as /etc/monitoring/influxdb-segments.
set -euo pipefail
shopt -s nullglob
# Without it InfluxDB would begin with no databases, and count its shards from one, in folders that have data.
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
