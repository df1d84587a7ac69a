#!/bin/bash
# Makes this machine the monitoring server, at its first boot and at every later one. Safe to run again by hand:
# what is already as it should be is left alone. Progress and failures go to the console.
set -Eeuo pipefail
# The last part of a pipe runs in this shell, so that `… | put` can remember a change.
shopt -s lastpipe
export DEBIAN_FRONTEND=noninteractive HOME=/root
here=/etc/monitoring
# shellcheck source=/dev/null
. $here/settings
# In memory; secrets are nowhere else but in the files of the services that need them.
work=/run/monitoring
install -d -m 700 $work

say() { echo "monitoring: $*" | tee /dev/console || true; }
die() {
  trap - ERR
  say "boot failed at line $1: $2"
  exit 1
}
trap 'die $LINENO "$BASH_COMMAND"' ERR
trap 'rm -rf $work' EXIT

# SECONDS COMMAND...: repeat until it succeeds; false when the time is over
attempt() {
  local end=$((SECONDS + $1))
  until "${@:2}" 2>$work/why; do
    ((SECONDS < end)) || { tail -n 3 $work/why >&2; return 1; }
    sleep 2
  done
}

# put MODE GROUP FILE: standard input becomes the file. settle UNIT: enable it, and restart it when one of its
# files changed (`install -C` is silent about a file that is already right). So a second run changes nothing.
changed=
put() {
  cat >$work/new
  if [ -n "$(install -vC -m "$1" -g "$2" $work/new "$3")" ]; then changed=restart; fi
}
settle() {
  systemctl daemon-reload
  systemctl enable -q "$1"
  systemctl "${changed:-start}" "$1"
  changed=
}

# --- AWS: address, credentials, parameters

imds() {
  local url=http://169.254.169.254/latest token
  token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $url/api/token)
  curl -sSf -H "X-aws-ec2-metadata-token: $token" "$url/meta-data/$1"
}
has_address() { [ "$(imds public-ipv4)" = "$ADDRESS" ]; }
# of the instance's role, as options for curl's standard input
credentials() {
  imds "iam/security-credentials/$(imds iam/security-credentials/)" | python3 -c '
import json, sys
c = json.load(sys.stdin)
print("user = \"%(AccessKeyId)s:%(SecretAccessKey)s\"\nheader = \"X-Amz-Security-Token: %(Token)s\"" % c)'
}
# the parameter NAME becomes the file $work/NAME
fetch() {
  credentials | curl -sSf -K - --aws-sigv4 "aws:amz:$REGION:ssm" "$SSM" \
    -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonSSM.GetParameter' \
    -d "{\"Name\": \"$PARAMETERS/$1\", \"WithDecryption\": true}" |
    python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)["Parameter"]["Value"])' >"$work/$1"
}
secret() { cat "$work/$1"; }

say "waiting for the address $ADDRESS"
attempt 300 has_address
say "reading parameters"
for name in $NAMES; do attempt 120 fetch "$name"; done
if ! grep -qw "$LOCAL_NAME" /etc/hosts; then echo "127.0.0.1 $LOCAL_NAME" >>/etc/hosts; fi

# --- Data volume: kept when the server is replaced, formatted only when it is blank

find_volume() {
  for device in /dev/disk/by-id/nvme-*_"${DATA_VOLUME/-/}" /dev/sdf /dev/xvdf; do
    if [ -b "$device" ]; then return; fi
  done
  false
}
say "waiting for the volume $DATA_VOLUME"
attempt 300 find_volume
found=0
kind=$(blkid -p -o value -s TYPE "$device") || found=$?
if [ $found = 2 ] && cmp -s -n 1048576 "$device" /dev/zero; then
  say "formatting the blank volume"
  mkfs.ext4 -q "$device"
elif [ "$kind" != ext4 ]; then
  die $LINENO "$device is neither blank nor ext4 ($kind); it is left untouched"
fi
data=/srv/monitoring
mkdir -p $data /var/lib/influxdb /var/lib/grafana
changed=
{
  grep -v $data /etc/fstab || true
  echo "$device $data ext4 noatime,nofail,x-systemd.device-timeout=60s 0 0"
  for name in influxdb grafana; do
    echo "$data/$name /var/lib/$name none bind,nofail,x-systemd.requires-mounts-for=$data 0 0"
  done
} | put 644 root /etc/fstab
systemctl daemon-reload
for place in $data /var/lib/influxdb /var/lib/grafana; do
  mountpoint -q "$place" || mount "$place"
  mkdir -p $data/influxdb $data/grafana
done
resize2fs "$device" 2>$work/why
for unit in influxdb grafana-server; do
  mkdir -p /etc/systemd/system/$unit.service.d
  echo "[Unit]
RequiresMountsFor=/var/lib/${unit%-server}" | put 644 root /etc/systemd/system/$unit.service.d/monitoring.conf
done

# --- Packages: exact versions from repositories whose signing key is checked

# In dpkg-query's order, which is the alphabet's.
packages=("grafana=$GRAFANA_VERSION" ${INFLUXDB_VERSION:+"influxdb=$INFLUXDB_VERSION"} "telegraf=$TELEGRAF_VERSION")
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o APT::Install-Recommends=no "$@"; }
# NAME URL SUITE COMPONENT KEY_URL FINGERPRINT
repository() {
  local keys=$work/$1.key ring=/etc/apt/keyrings/$1.gpg
  export GNUPGHOME=$work
  attempt 120 curl -sSfL -o "$keys" "$5"
  gpg --batch --show-keys --with-colons "$keys" | awk -F: '/^pub/ {p = 1} /^fpr/ && p {print $10; p = 0}' >"$keys.found"
  if ! grep -qx "$6" "$keys.found"; then
    die $LINENO "$5 holds $(paste -sd ' ' "$keys.found"), not $6: see its publisher's news, then set keyFingerprint"
  fi
  gpg --batch -q --import "$keys"
  gpg --batch --export "$6" | put 644 root "$ring"
  echo "deb [signed-by=$ring] $2 $3 $4" | put 644 root "/etc/apt/sources.list.d/$1.list"
}
present=$(dpkg-query -W -f '${Package}=${Version} ' "${packages[@]%%=*}" 2>$work/why || true)
if [ "$present" != "${packages[*]} " ]; then
  say "installing ${packages[*]}"
  mkdir -p /etc/apt/keyrings
  apt update
  command -v gpg >/dev/null || apt install -y gnupg
  # shellcheck disable=SC2086 # each is the five words of a repository
  repository grafana $GRAFANA_REPOSITORY
  # shellcheck disable=SC2086
  repository influxdata $INFLUXDATA_REPOSITORY
  for package in "${packages[@]}"; do
    printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "${package%%=*}" "${package#*=}"
  done | put 644 root /etc/apt/preferences.d/monitoring
  apt update -o APT::Update::Error-Mode=any
  apt install -y --allow-downgrades -o Dpkg::Options::=--force-confold "${packages[@]}"
fi

# --- Files of the services

# OWNER FOLDER: what an earlier server wrote may belong to another user number
owned() {
  if [ "$(stat -c %U:%G "$2")" != "$1:$1" ]; then chown -R "$1:$1" "$2"; fi
}
changed=
secret server-certificate | put 644 root $here/server.pem
authority=()
if [ -f $work/ca-certificate ]; then
  secret ca-certificate | put 644 root $here/ca.pem
  authority=(--cacert "$here/ca.pem")
fi
# A new certificate restarts whoever shows it.
certificate=$changed
answers() { curl -sSf -o /dev/null "${authority[@]}" "$@"; }

# --- InfluxDB: encrypted, with users; its tables are the only place where their passwords are kept

influxdb=https://$LOCAL_NAME:8086
# QUERY, as the administrator
query() {
  local answer
  answer=$(printf 'user = "admin:%s"\ndata-urlencode = "q=%s"\n' "$(secret influxdb-admin-password)" "${1//\"/\\\"}" |
    curl -sSf "${authority[@]}" -K - "$influxdb/query") && [[ $answer != *'"error"'* ]]
}
# USER PRIVILEGE
give() {
  query "CREATE USER \"$1\" WITH PASSWORD '$(secret "influxdb-$1-password")'" ||
    query "SET PASSWORD FOR \"$1\" = '$(secret "influxdb-$1-password")'"
  query "GRANT $2 TO \"$1\""
}
start_influxdb() {
  settle influxdb
  changed=restart
  attempt 120 answers "$influxdb/ping"
}
if [ -n "$INFLUXDB_VERSION" ]; then
  say "starting InfluxDB"
  owned influxdb /var/lib/influxdb
  changed=$certificate
  put 644 root /etc/influxdb/influxdb.conf <$here/influxdb.conf
  secret server-key | put 640 influxdb /etc/influxdb/server-key
  start_influxdb
  if ! query 'SHOW DATABASES' 2>$work/why; then
    # Without authentication for a moment, and reachable from this machine alone.
    say "setting the password of InfluxDB's administrator"
    open=/run/systemd/system/influxdb.service.d
    mkdir -p $open
    echo '[Service]
Environment=INFLUXDB_HTTP_AUTH_ENABLED=false INFLUXDB_HTTP_BIND_ADDRESS=127.0.0.1:8086' >$open/open.conf
    start_influxdb
    give admin 'ALL PRIVILEGES'
    rm $open/open.conf
    start_influxdb
  fi
  query 'CREATE DATABASE "telegraf"'
  query "ALTER RETENTION POLICY \"autogen\" ON \"telegraf\" DURATION $RETENTION SHARD DURATION $SHARD DEFAULT"
  give telegraf 'WRITE ON "telegraf"'
  give grafana 'READ ON "telegraf"'
fi

# --- Grafana: its administrator always has the generated password, whatever an old data volume says

say "starting Grafana"
owned grafana /var/lib/grafana
changed=$certificate
for name in server-key grafana-admin-password grafana-secret-key; do
  secret $name | put 640 grafana /etc/grafana/$name
done
put 640 grafana /etc/grafana/grafana.ini <$here/grafana.ini
settle grafana-server
grafana=https://$LOCAL_NAME:3000
attempt 180 answers "$grafana/api/health"
log_in() {
  echo "user = \"admin:$(secret grafana-admin-password)\"" | answers "$grafana/api/org" -K -
}
if ! log_in 2>$work/why; then
  say "setting the password of Grafana's administrator"
  runuser -u grafana -- grafana cli --homepath /usr/share/grafana --config /etc/grafana/grafana.ini \
    admin reset-admin-password --password-from-stdin <$work/grafana-admin-password >$work/why
  attempt 60 log_in
fi

# --- Telegraf: the server watches itself

say "starting Telegraf"
changed=
put 644 root /etc/telegraf/telegraf.conf <$here/telegraf.conf
if [ -f $work/influxdb-ca-certificate ]; then
  secret influxdb-ca-certificate | put 644 root /etc/telegraf/ca.pem
elif [ -n "$INFLUXDB_VERSION" ] && [ -f $here/ca.pem ]; then
  put 644 root /etc/telegraf/ca.pem <$here/ca.pem
fi
{
  echo "INFLUX_PASSWORD='$(secret influxdb-telegraf-password)'"
  # InfluxDB tells of itself to its administrator alone.
  [ -z "$INFLUXDB_VERSION" ] || echo "INFLUX_ADMIN='$(secret influxdb-admin-password)'"
} | put 640 telegraf /etc/default/telegraf
settle telegraf
say "boot finished"
