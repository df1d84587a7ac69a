# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and sources it: the variables are the boot
# script's, and its folders' names have no blanks.
# With `cloudwatchAuth: role`: Grafana's credentials for CloudWatch, from a separate role.

for unit in monitoring-cloudwatch.service monitoring-cloudwatch.timer; do
  value $unit | put 644 root /etc/systemd/system/$unit monitoring-cloudwatch.timer
done
profile=/usr/share/grafana/.aws/config
if [ -n "$CLOUDWATCH_ROLE" ]; then
  say "taking the role that reads CloudWatch"
  value cloudwatch-credentials | put 755 root $here/cloudwatch-credentials
  # It can take a while until a new role works.
  attempt 120 $here/cloudwatch-credentials
  # In the home of Grafana's user, where its plugins look, too: they do not get all of its environment. The file names the
  # role so that another role restarts Grafana, which would otherwise use its current credentials until they expire.
  mkdir -p ${profile%/*}
  printf '# %s\n[profile cloudwatch]\ncredential_process = /bin/cat /etc/grafana/cloudwatch-credentials\n' \
    "$CLOUDWATCH_ROLE" | put 644 root $profile grafana-server
  settle monitoring-cloudwatch.timer
else
  if systemctl -q is-enabled monitoring-cloudwatch.timer; then systemctl disable -q --now monitoring-cloudwatch.timer; fi
  rm -f $profile /etc/grafana/cloudwatch-credentials
fi
