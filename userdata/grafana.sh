# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and runs it among its own lines: the
# variables are its, and its folders' names have no blanks.
# Grafana: its administrator always has the generated password, whatever an old data volume says.

say "starting Grafana"
if [ -n "$RESTORE_FROM" ] && [ -z "$INFLUXDB_VERSION" ]; then $here/restore || exit 1; fi
owned grafana /var/lib/grafana
# It reads a changed certificate by itself (certs_watch_interval), and the password below is for its first start
# only: neither restarts it.
value server-key | put 600 grafana:grafana /etc/grafana/server-key
value grafana-admin-password | put 640 grafana /etc/grafana/grafana-admin-password
value grafana-secret-key | put 640 grafana /etc/grafana/grafana-secret-key grafana-server
if given smtp-password; then value smtp-password | put 640 grafana /etc/grafana/smtp-password grafana-server; fi
value grafana.ini | put 640 grafana /etc/grafana/grafana.ini grafana-server
settle grafana-server
grafana=https://$LOCAL_NAME:3000
attempt 180 answers "$grafana/api/health"
log_in() {
  echo "user = \"admin:$(value grafana-admin-password)\"" | answers "$grafana/api/org" -K -
}
if ! log_in 2>$work/why; then
  say "setting the password of Grafana's administrator"
  runuser -u grafana -- grafana cli --homepath /usr/share/grafana --config /etc/grafana/grafana.ini \
    admin reset-admin-password --password-from-stdin <$work/values/grafana-admin-password >$work/why
  attempt 60 log_in
fi
if [ -e $data/foreign ]; then $here/restore adopt; fi
