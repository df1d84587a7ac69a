# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and sources it: the variables are the boot
# script's, and its folders' names have no blanks.
# Telegraf: the server monitors itself.

if given timestream.sh; then
  # shellcheck source=/dev/null
  . "$work/values/timestream.sh"
fi
say "starting Telegraf"
value telegraf.conf | put 644 root /etc/telegraf/telegraf.conf telegraf
# The CAs of each InfluxDB that Telegraf writes to; Grafana's certificate has the same CA as the server's InfluxDB.
{
  if given influxdb-ca-certificate; then value influxdb-ca-certificate; fi
  if given ca-certificate && { [ -n "$INFLUXDB_VERSION" ] || ! given influxdb-ca-certificate; }; then value ca-certificate; fi
} >$work/authorities
if [ -s $work/authorities ]; then
  put <$work/authorities 644 root /etc/telegraf/ca.pem telegraf
fi
# Telegraf merges the tags of all its files.
printf '[global_tags]\ninstance_id = "%s"\n' "$(cat /var/lib/cloud/data/instance-id)" |
  put 644 root /etc/telegraf/telegraf.d/ec2.conf telegraf
for name in measure processes; do
  value telegraf-$name | put 755 root /etc/telegraf/$name telegraf
done
# If the other InfluxDB is one that AWS runs, it has the same users as the server's own.
if given influxdb-other-password; then writes=other reads=other; else writes=telegraf reads=grafana; fi
{
  echo "INFLUX_PASSWORD='$(value influxdb-telegraf-password)'"
  if [ -n "${OTHER-}" ]; then echo "INFLUX_PASSWORD_OTHER='$(value influxdb-$writes-password)'"; fi
  # Only the administrator may read InfluxDB's internal metrics.
  if [ -n "$INFLUXDB_VERSION" ]; then echo "INFLUX_ADMIN='$(secret $administrator)'"; fi
} | put 640 telegraf /etc/default/telegraf telegraf
# Only this server knows the revision, so no other sender's points can pass for its own (tools/wait_for_data.py).
printf 'monitoring_server revision="%s"\n' "$(sed -n 's/^# //p' $work/state/revision)" | put 644 root $here/revision
value telegraf-hardening.conf | put 644 root /etc/systemd/system/telegraf.service.d/hardening.conf telegraf
# Telegraf's buffer is bounded; the commands that its inputs run are not.
printf '[Service]\nMemoryMax=15%%\nOOMPolicy=continue\nOOMScoreAdjust=300\n' |
  put 644 root /etc/systemd/system/telegraf.service.d/memory.conf telegraf
settle telegraf
if given moving.sh; then
  # shellcheck source=/dev/null
  . "$work/values/moving.sh"
fi
