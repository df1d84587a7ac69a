# shellcheck shell=bash disable=SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store; telegraf.sh sources it: the variables are
# theirs, and the folders' names have no blanks.
# While the stack moves, what the dashboards show is copied to the other InfluxDB.

if given influxdb-moving; then
  say "copying to another InfluxDB"
  printf '%s\n' "$OTHER_WRITER" "$(value influxdb-$writes-password)" "$OTHER_READER" "$(value influxdb-$reads-password)" |
    put 600 root $here/influxdb-other
  value influxdb-moving | put 755 root $here/influxdb-moving
  value moving_engine.py | put 644 root $here/moving_engine.py
  for unit in influxdb-moving.service influxdb-moving.timer; do
    value $unit | put 644 root /etc/systemd/system/$unit influxdb-moving.timer
  done
  settle influxdb-moving.timer
elif [ -e $here/influxdb-moving ]; then
  systemctl disable -q --now influxdb-moving.timer
  systemctl stop influxdb-moving
  rm -f $here/influxdb-other $here/influxdb-moving $here/moving_engine.py /etc/systemd/system/influxdb-moving.*
fi
