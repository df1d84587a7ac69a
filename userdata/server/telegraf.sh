# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and runs it among its own lines: the
# variables are its, and its folders' names have no blanks.
# Telegraf: the server watches itself.

if given timestream.sh; then
  # shellcheck source=/dev/null
  . "$work/values/timestream.sh"
fi
say "starting Telegraf"
value telegraf.conf | put 644 root /etc/telegraf/telegraf.conf telegraf
# Who signs for each InfluxDB that it writes to; Grafana's own certificate is of the same authority as the server's.
{
  if given influxdb-ca-certificate; then value influxdb-ca-certificate; fi
  if given ca-certificate && { [ -n "$INFLUXDB_VERSION" ] || ! given influxdb-ca-certificate; }; then value ca-certificate; fi
} >$work/authorities
if [ -s $work/authorities ]; then
  put <$work/authorities 644 root /etc/telegraf/ca.pem telegraf
fi
# Telegraf adds the tags of all its files up.
printf '[global_tags]\ninstance_id = "%s"\n' "$(cat /var/lib/cloud/data/instance-id)" |
  put 644 root /etc/telegraf/telegraf.d/ec2.conf telegraf
for name in measure processes; do
  value telegraf-$name | put 755 root /etc/telegraf/$name telegraf
done
# Another InfluxDB that AWS runs has the same users as the server's own.
if given influxdb-other-password; then writes=other reads=other; else writes=telegraf reads=grafana; fi
{
  echo "INFLUX_PASSWORD='$(value influxdb-telegraf-password)'"
  if [ -n "${OTHER-}" ]; then echo "INFLUX_PASSWORD_OTHER='$(value influxdb-$writes-password)'"; fi
  # InfluxDB tells of itself to its administrator alone.
  if [ -n "$INFLUXDB_VERSION" ]; then echo "INFLUX_ADMIN='$(secret $administrator)'"; fi
} | put 640 telegraf /etc/default/telegraf telegraf
# What only this server knows, so that nobody else's points are taken for its own (tools/wait_for_data.py).
printf 'monitoring_server revision="%s"\n' "$(sed -n 's/^# //p' $work/state/revision)" | put 644 root $here/revision
value telegraf-hardening.conf | put 644 root /etc/systemd/system/telegraf.service.d/hardening.conf telegraf
# Its buffer is bounded; what its inputs run is not.
printf '[Service]\nMemoryMax=15%%\nOOMPolicy=continue\nOOMScoreAdjust=300\n' |
  put 644 root /etc/systemd/system/telegraf.service.d/memory.conf telegraf
settle telegraf
if given moving.sh; then
  # shellcheck source=/dev/null
  . "$work/values/moving.sh"
fi
