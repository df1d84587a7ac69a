# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and runs it among its own lines: the
# variables are its, and its folders' names have no blanks.
# Grafana: its administrator always has the generated password, and Pulumi its user, whatever an old data volume says.

say "starting Grafana"
if [ -n "$RESTORE_FROM" ] && [ -z "$INFLUXDB_VERSION" ]; then $here/restore || exit 1; fi
owned grafana /var/lib/grafana
# It reads a changed certificate by itself (certs_watch_interval), and the password below is for its first start
# only: neither restarts it.
value server-key | put 600 grafana:grafana /etc/grafana/server-key
value grafana-admin-password | put 640 grafana /etc/grafana/grafana-admin-password
value grafana-secret-key | put 640 grafana /etc/grafana/grafana-secret-key grafana-server
if given smtp-password; then value smtp-password | put 640 grafana /etc/grafana/smtp-password grafana-server; fi
if given oauth-secret; then value oauth-secret | put 640 grafana /etc/grafana/oauth-secret grafana-server; fi
# Less than half of the memory, so that InfluxDB has its own. Beyond that one of Grafana's processes ends and is started
# again. No MemoryHigh: without swap there is nothing to take back, and all of it would crawl.
printf '[Service]\nMemoryMax=45%%\nOOMPolicy=continue\nOOMScoreAdjust=500\n' |
  put 644 root /etc/systemd/system/grafana-server.service.d/memory.conf grafana-server
value grafana.ini | put 640 grafana /etc/grafana/grafana.ini grafana-server
# When it starts, its database may be another one, without our users: the boot script looks after them at the next tick.
value grafana-database | put 755 root $here/grafana-database
printf '[Service]\nExecStartPre=+-%s\nExecStartPost=+-/bin/rm -f %s\n' $here/grafana-database $run/applied |
  put 644 root /etc/systemd/system/grafana-server.service.d/users.conf grafana-server
settle grafana-server
# Its alerts wait for their next moment by the clock (pkg/services/ngalert/schedule/ticker), and so do Telegraf's inputs
# (internal/clock): after a clock that was hours ahead, for hours. So both are restarted when the clock jumps.
printf '[Service]\nType=oneshot\nExecStart=/bin/systemctl try-restart grafana-server telegraf\n' |
  put 644 root /etc/systemd/system/monitoring-clock.service monitoring-clock.timer
printf '[Timer]\nOnClockChange=yes\n[Install]\nWantedBy=timers.target\n' |
  put 644 root /etc/systemd/system/monitoring-clock.timer monitoring-clock.timer
settle monitoring-clock.timer
grafana=https://$LOCAL_NAME:3000
attempt 180 answers "$grafana/api/health"

# USER PASSWORD METHOD PATH [JSON]: what Grafana answers; everything on standard input, as passwords are among it
api() {
  {
    curl_option user "$1:$(value "grafana-$2-password")"
    if [ -n "${5-}" ]; then curl_option data "$5"; fi
  } | curl -sSf "${authority[@]}" -K - -X "$3" -H 'Content-Type: application/json' "$grafana/api/$4"
}
# The administrator is a person: five wrong passwords lock `admin` out for five minutes. All that is automatic (Pulumi,
# its gates and this script) is another user, with a name nobody can guess.
person() { api admin admin "$@"; }
robot() { api "$AUTOMATION" automation "$@"; }
# REVISION: what `pulumi up` waits for, as this user's own name
applied() {
  robot PUT user "{\"login\": \"$AUTOMATION\", \"email\": \"$AUTOMATION\", \"name\": \"$1 on $(imds instance-id)\"}" >$work/answer
}
number() { python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'; }
# Made by the administrator, whose lock is in Grafana's database. A user that is there all the same has another password,
# or not all its rights: it is made again.
make_robot() {
  local user
  runuser -u grafana -- python3 -c '
import sqlite3
with sqlite3.connect("/var/lib/grafana/grafana.db", timeout=30) as database:
    database.execute("DELETE FROM login_attempt WHERE username = ?", ("admin",))'
  if user=$(person GET "users/lookup?loginOrEmail=$AUTOMATION" | number); then
    person DELETE "admin/users/$user" >$work/answer || return
  fi
  user=$(person POST admin/users "{\"login\": \"$AUTOMATION\", \"password\": \"$(value grafana-automation-password)\"}" | number) &&
    person PATCH "org/users/$user" '{"role": "Admin"}' >$work/answer &&
    person PUT "admin/users/$user/permissions" '{"isGrafanaAdmin": true}' >$work/answer
}
users() { robot GET 'users?perpage=1000&query=pulumi-' >$work/users; }
if ! person GET org >$work/answer 2>$work/why; then
  say "setting the password of Grafana's administrator"
  runuser -u grafana -- grafana cli --homepath /usr/share/grafana --config /etc/grafana/grafana.ini \
    admin reset-admin-password --password-from-stdin <$work/values/grafana-admin-password >$work/why
fi
if ! users 2>$work/why; then
  say "making Pulumi's user in Grafana"
  attempt 60 make_robot
  attempt 60 users
fi
# Those of earlier generations, and of the stack a backup came from
python3 -c '
import json, re, sys
for user in json.load(sys.stdin):
    if re.fullmatch("pulumi-[a-z0-9]{20}", user["login"]) and user["login"] != sys.argv[1]:
        print(user["id"])' "$AUTOMATION" <$work/users | while read -r user; do
  robot DELETE "admin/users/$user" >$work/answer
done
if [ -e $data/foreign ]; then $here/restore adopt; fi
# shellcheck source=/dev/null
. "$work/values/public.sh"
