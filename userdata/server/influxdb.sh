# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and sources it: the variables are the boot
# script's, and its folders' names have no blanks.
# InfluxDB: encrypted, with users, whose passwords are on disk only in its own tables.

influxdb=https://$LOCAL_NAME:8086
# The administrator's password is generated here, for each generation of users (whose name is next to it), and known
# nowhere else.
administrator=$here/influxdb-administrator
secret() { cut -d ' ' -f 2 "$1"; }
# query QUERY: as the administrator; the answer is in $work/answer
query() {
  { curl_option user "admin:$(secret $administrator)" && curl_option data-urlencode "q=$1"; } |
    curl -sSf "${authority[@]}" -K - "$influxdb/query" >$work/answer && ! grep -q '"error"' $work/answer
}
# give USER PRIVILEGE PASSWORD
give() {
  query "CREATE USER \"$1\" WITH PASSWORD '$3'" || query "SET PASSWORD FOR \"$1\" = '$3'"
  query "GRANT $2 TO \"$1\""
}
# Whether InfluxDB answers; 401, because there is no login, is an answer, too.
listens() { [[ $(curl -s "${authority[@]}" -o $work/answer -w '%{http_code}' "$influxdb/ping") =~ 204|401 ]]; }
# A large database takes minutes to open, and nothing interrupts that: this run waits for bootTimeout, and the next one
# keeps waiting. If influxd ends again and again, that is reported at once, with its own message.
ends() { systemctl show -P NRestarts influxdb; }
start_influxdb() {
  settle influxdb
  local begin=$SECONDS said=0 minutes ends
  ends=$(ends)
  until listens 2>$work/why; do
    if (($(ends) > ends + 2)); then
      die $LINENO "influxd ends again and again: $(journalctl -q -n 1 -o cat _SYSTEMD_UNIT=influxdb.service)" influxdb.sh
    fi
    minutes=$(((SECONDS - begin) / 60))
    if ((SECONDS - begin >= BOOT_TIMEOUT)); then
      die $LINENO "InfluxDB is opening its database for $minutes min and goes on: \`pulumi up\` again, or with a longer bootTimeout" influxdb.sh
    elif ((minutes > said)); then
      say "InfluxDB is opening its database ($minutes min)"
      said=$minutes
    fi
    sleep 2
  done
}
new_password() {
  say "giving InfluxDB's administrator a password"
  install -m 600 /dev/null $administrator.new
  echo "$WRITER $(python3 -c 'import secrets; print(secrets.token_hex(24))')" >$administrator.new
  local new
  new=$(secret $administrator.new)
  query "CREATE USER admin WITH PASSWORD '$new' WITH ALL PRIVILEGES" || query "SET PASSWORD FOR admin = '$new'"
  mv $administrator.new $administrator
}
# If nobody knows the password: InfluxDB runs without authentication for a moment, never longer than this script, and only
# on loopback, at another port than writers use. It runs without its data, so that it takes a second however large the
# database is.
open=/run/systemd/system/influxdb.service.d/open.conf
close() {
  if [ -e $open ]; then
    touch $run/restart-influxdb $run/reload
    rm $open
  fi
}
reset_password() {
  local influxdb=https://$LOCAL_NAME:8087
  install -m 600 /dev/null $administrator
  touch $run/restart-influxdb $run/reload
  mkdir -p ${open%/*}
  printf '[Service]\nEnvironment=INFLUXDB_%s\n' HTTP_AUTH_ENABLED=false HTTP_BIND_ADDRESS=127.0.0.1:8087 \
    DATA_DIR=/tmp/data DATA_WAL_DIR=/tmp/wal MONITOR_STORE_ENABLED=false CONTINUOUS_QUERIES_ENABLED=false >$open
  start_influxdb
  new_password
  close
}
say "starting InfluxDB"
owned influxdb /var/lib/influxdb
value influxdb.conf | put 644 root /etc/influxdb/influxdb.conf influxdb
# InfluxDB 1.12.3 and newer refuse a key that more than its owner may read (pkg/tlsconfig/certconfig.go: KeyMaxPermissions).
value server-key | put 600 influxdb:influxdb /etc/influxdb/server-key influxdb
for name in hardening start; do
  value influxdb-$name.conf | put 644 root /etc/systemd/system/influxdb.service.d/$name.conf influxdb
done
value influxdb_engine.py | put 644 root $here/influxdb_engine.py
for name in room probe segments rollup; do value influxdb-$name | put 755 root $here/influxdb-$name; done
close
[ -s $administrator ] || reset_password
start_influxdb
if ! query 'SHOW DATABASES' 2>$work/why; then
  reset_password
  start_influxdb
elif ! grep -q "^$WRITER " $administrator; then
  new_password
fi
# restore itself reports what is wrong.
if [ -n "$RESTORE_FROM" ]; then $here/restore || exit 1; fi
query 'CREATE DATABASE "telegraf"'
query "ALTER RETENTION POLICY \"autogen\" ON \"telegraf\" DURATION $RETENTION SHARD DURATION $SHARD DEFAULT"
# Filled by influxdb-rollup
policy="RETENTION POLICY \"rollup\" ON \"telegraf\" DURATION $ROLLUP_RETENTION REPLICATION 1 SHARD DURATION $ROLLUP_SHARD"
query "CREATE $policy" || query "ALTER $policy"
give "$WRITER" 'WRITE ON "telegraf"' "$(value influxdb-telegraf-password)"
give "$READER" 'READ ON "telegraf"' "$(value influxdb-grafana-password)"
# Users of an earlier generation are deleted once every agent and Grafana have the new ones (state/users-in-use).
in_use=$(cat $work/state/users-in-use 2>$work/why || true)
query 'SHOW USERS'
python3 -c 'import json, sys; [print(*row) for s in json.load(sys.stdin)["results"][0]["series"] for row in s["values"]]' \
  <$work/answer | while read -r name _; do
  case " admin $WRITER $READER $in_use " in
    *" $name "* | *" all "*) ;;
    *) query "DROP USER \"$name\"" ;;
  esac
done
# Writes continue after the volume was full or a file was damaged (room, probe), and data is down-sampled (rollup).
for name in influxdb-room influxdb-probe influxdb-rollup; do
  for unit in $name.{service,timer}; do value $unit | put 644 root /etc/systemd/system/$unit $name.timer; done
  settle $name.timer
done
