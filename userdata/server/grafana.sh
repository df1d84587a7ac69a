# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and sources it: the variables are the boot
# script's, and its folders' names have no blanks.
# Grafana: whatever is on an old data volume, its administrator has the generated password, and Pulumi's user exists.

say "starting Grafana"
if [ -n "$RESTORE_FROM" ] && [ -z "$INFLUXDB_VERSION" ]; then $here/restore || exit 1; fi
owned grafana /var/lib/grafana
# Grafana reads a changed certificate by itself (certs_watch_interval), and uses the password below only at its first
# start: neither restarts it.
value server-key | put 600 grafana:grafana /etc/grafana/server-key
value grafana-admin-password | put 640 grafana /etc/grafana/grafana-admin-password
value grafana-secret-key | put 640 grafana /etc/grafana/grafana-secret-key grafana-server
if given smtp-password; then value smtp-password | put 640 grafana /etc/grafana/smtp-password grafana-server; fi
if given oauth-secret; then value oauth-secret | put 640 grafana /etc/grafana/oauth-secret grafana-server; fi
# Less than half of the memory, to leave enough for InfluxDB. Beyond that one of Grafana's processes is killed and
# restarted. No MemoryHigh: without swap nothing can be reclaimed, and all of Grafana would slow to a crawl.
printf '[Service]\nMemoryMax=45%%\nOOMPolicy=continue\nOOMScoreAdjust=500\n' |
  put 644 root /etc/systemd/system/grafana-server.service.d/memory.conf grafana-server
value grafana.ini | put 640 grafana /etc/grafana/grafana.ini grafana-server
# When Grafana starts, its database may be another one, without our users: the next run of the boot script recreates them.
value grafana-database | put 755 root $here/grafana-database
printf '[Service]\nExecStartPre=+-%s\nExecStartPost=+-/bin/rm -f %s\n' $here/grafana-database $run/applied |
  put 644 root /etc/systemd/system/grafana-server.service.d/users.conf grafana-server
settle grafana-server
# Grafana schedules alerts by the clock (pkg/services/ngalert/schedule/ticker), and Telegraf its inputs (internal/clock):
# after a clock that was hours ahead is corrected, both would wait for hours. So they are restarted when the clock jumps.
printf '[Service]\nType=oneshot\nExecStart=/bin/systemctl try-restart grafana-server telegraf\n' |
  put 644 root /etc/systemd/system/monitoring-clock.service monitoring-clock.timer
printf '[Timer]\nOnClockChange=yes\n[Install]\nWantedBy=timers.target\n' |
  put 644 root /etc/systemd/system/monitoring-clock.timer monitoring-clock.timer
settle monitoring-clock.timer
grafana=https://$LOCAL_NAME:3000
attempt 180 answers "$grafana/api/health"

# api USER PASSWORD METHOD PATH [JSON]: Grafana's answer. Login and JSON, which has passwords, go through standard input.
api() {
  {
    curl_option user "$1:$(value "grafana-$2-password")"
    if [ -n "${5-}" ]; then curl_option data "$5"; fi
  } | curl -sSf "${authority[@]}" -K - -X "$3" -H 'Content-Type: application/json' "$grafana/api/$4"
}
# `admin` is for people, whose wrong passwords (five) lock it for five minutes. Everything automatic (Pulumi, its gates and
# this script) uses another user, whose name nobody can guess.
person() { api admin admin "$@"; }
robot() { api "$AUTOMATION" automation "$@"; }
# applied REVISION: writes what `pulumi up` waits for into this user's display name
applied() {
  robot PUT user "{\"login\": \"$AUTOMATION\", \"email\": \"$AUTOMATION\", \"name\": \"$1 on $(imds instance-id)\"}" >$work/answer
}
number() { python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'; }
# The administrator creates the user; if it is locked, that lock is in Grafana's database. An existing user that does not
# work has another password, or lacks rights: it is created again.
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
# Users of earlier generations, and of the stack that a backup came from
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
