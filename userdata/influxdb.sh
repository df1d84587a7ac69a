# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and runs it among its own lines: the
# variables are its, and its folders' names have no blanks.
# InfluxDB: encrypted, with users; its tables are the only place on disk where their passwords are.

influxdb=https://$LOCAL_NAME:8086
# Its administrator is of this machine alone: the password is made here, for each generation of users (whose name is
# beside it), and nobody else is told.
administrator=$here/influxdb-administrator
secret() { cut -d ' ' -f 2 "$1"; }
# QUERY, as the administrator; the answer is in $work/answer
query() {
  { curl_option user "admin:$(secret $administrator)" && curl_option data-urlencode "q=$1"; } |
    curl -sSf "${authority[@]}" -K - "$influxdb/query" >$work/answer && ! grep -q '"error"' $work/answer
}
# USER PRIVILEGE PASSWORD
give() {
  query "CREATE USER \"$1\" WITH PASSWORD '$3'" || query "SET PASSWORD FOR \"$1\" = '$3'"
  query "GRANT $2 TO \"$1\""
}
start_influxdb() {
  settle influxdb
  attempt 120 answers "$influxdb/ping"
}
# Without authentication for a moment, and reachable from this machine alone; never longer than this script's run.
open=/run/systemd/system/influxdb.service.d/open.conf
open() {
  touch $run/restart-influxdb
  mkdir -p ${open%/*}
  echo '[Service]
Environment=INFLUXDB_HTTP_AUTH_ENABLED=false INFLUXDB_HTTP_BIND_ADDRESS=127.0.0.1:8086' >$open
}
close() {
  if [ -e $open ]; then
    touch $run/restart-influxdb
    rm $open
  fi
}
administer() {
  if [ ! -e $administrator ] || ! query 'SHOW DATABASES' 2>$work/why; then
    install -m 600 /dev/null $administrator
    open
    start_influxdb
  elif grep -q "^$WRITER " $administrator; then
    return
  fi
  say "giving InfluxDB's administrator a password"
  install -m 600 /dev/null $administrator.new
  echo "$WRITER $(python3 -c 'import secrets; print(secrets.token_hex(24))')" >$administrator.new
  local new
  new=$(secret $administrator.new)
  query "CREATE USER admin WITH PASSWORD '$new' WITH ALL PRIVILEGES" || query "SET PASSWORD FOR admin = '$new'"
  mv $administrator.new $administrator
  close
  start_influxdb
}
say "starting InfluxDB"
owned influxdb /var/lib/influxdb
value influxdb.conf | put 644 root /etc/influxdb/influxdb.conf influxdb
# InfluxDB 1.12.3 and newer refuse a key that more than its owner may read (pkg/tlsconfig/certconfig.go: KeyMaxPermissions).
value server-key | put 600 influxdb:influxdb /etc/influxdb/server-key influxdb
value influxdb-hardening.conf | put 644 root /etc/systemd/system/influxdb.service.d/hardening.conf influxdb
for name in room segments; do value influxdb-$name | put 755 root $here/influxdb-$name; done
printf '[Service]\nExecStartPre=-%s\n' $here/influxdb-segments |
  put 644 root /etc/systemd/system/influxdb.service.d/segments.conf influxdb
close
start_influxdb
administer
# It says itself what is wrong.
if [ -n "$RESTORE_FROM" ]; then $here/restore || exit 1; fi
query 'CREATE DATABASE "telegraf"'
query "ALTER RETENTION POLICY \"autogen\" ON \"telegraf\" DURATION $RETENTION SHARD DURATION $SHARD DEFAULT"
give "$WRITER" 'WRITE ON "telegraf"' "$(value influxdb-telegraf-password)"
give "$READER" 'READ ON "telegraf"' "$(value influxdb-grafana-password)"
# Users of an earlier generation go once every agent and Grafana have the new ones (state/users-in-use).
in_use=$(cat $work/state/users-in-use 2>$work/why || true)
query 'SHOW USERS'
python3 -c 'import json, sys; [print(*row) for s in json.load(sys.stdin)["results"][0]["series"] for row in s["values"]]' \
  <$work/answer | while read -r name _; do
  case " admin $WRITER $READER $in_use " in
    *" $name "* | *" everybody "*) ;;
    *) query "DROP USER \"$name\"" ;;
  esac
done
# Its writes go on after the volume was full.
for unit in influxdb-room.service influxdb-room.timer; do
  value $unit | put 644 root /etc/systemd/system/$unit influxdb-room.timer
done
settle influxdb-room.timer
