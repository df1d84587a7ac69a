#!/bin/bash
# Makes this machine the monitoring server, and keeps it as the stack describes it. Runs at every boot, and half a minute
# after each run has ended. With --if-changed it exits at once unless the stack has changed since the last success.
# Safe to run by hand: what is already right is left alone. Progress and failures go to the console.
set -Eeuo pipefail
# The last command of a pipe runs in this shell, so that `… | put` can remember a change.
shopt -s lastpipe
export DEBIAN_FRONTEND=noninteractive HOME=/root
here=/etc/monitoring
# shellcheck source=/dev/null
. $here/boot.conf
# In memory. Apart from this, secrets are only in the files of the services that need them.
run=/run/monitoring
work=$run/work
install -d -m 700 $run
exec 9>$run/lock
flock 9
rm -rf $work
mkdir -m 700 $work
exec 2>>$work/errors

# say WHAT: a step begins. die LINE COMMAND [FILE]: the step failed; its last two lines of errors say why.
say() {
  echo "monitoring: $*" | tee /dev/console || true
  : >$work/errors
}
die() {
  trap - ERR
  local why file=${3-${BASH_SOURCE[1]}}
  why=$(grep . $work/errors | tail -n 2 | paste -sd ' ') || true
  say "boot failed at line $1 of ${file##*/}: $2${why:+: $why} ($(date -u +%T))"
  exit 1
}
trap 'die $LINENO "$BASH_COMMAND"' ERR
trap 'cat $work/errors; rm -rf $work' EXIT

# attempt SECONDS COMMAND...: repeat it until it succeeds; the boot fails when the time has passed
attempt() {
  local end=$((SECONDS + $1))
  until "${@:2}" 2>$work/why; do
    if ((SECONDS >= end)); then
      tail -n 2 $work/why >&2
      die "${BASH_LINENO[0]}" "${*:2}" "${BASH_SOURCE[1]}"
    fi
    sleep 2
  done
}

# put MODE [OWNER:]GROUP FILE [UNIT]: replaces the file with standard input, all of it or nothing. If that changes it, the
# unit needs a restart, and a unit's file needs a reload ($run/reload). settle UNIT: enables (which reloads) and starts
# it, or restarts it if needed, even if a run failed in between. So a second run changes nothing.
put() {
  local owner=root
  if [[ $2 == *:* ]]; then owner=${2%:*}; fi
  cat >$work/new
  if ! cmp -s $work/new "$3"; then
    if [ $# = 4 ]; then touch "$run/restart-$4"; fi
    if [[ $3 == /etc/systemd/* ]]; then touch "$run/reload"; fi
    install -m "$1" -o "$owner" -g "${2#*:}" $work/new "$3.new"
    sync "$3.new"
    mv "$3.new" "$3"
  fi
  install -C -m "$1" -o "$owner" -g "${2#*:}" $work/new "$3"
}
settle() {
  local how=start
  if [ -e "$run/restart-$1" ]; then how=restart; fi
  if [ -e $run/reload ] || ! systemctl -q is-enabled "$1"; then
    systemctl enable -q "$1"
    rm -f $run/reload
  fi
  systemctl $how "$1" || die "${BASH_LINENO[0]}" "systemctl $how $1" "${BASH_SOURCE[1]}"
  rm -f "$run/restart-$1"
}

# Otherwise a server that accepts a connection and never answers would block this run, and so all later ones, forever.
curl() { command curl --connect-timeout 10 --max-time 60 "$@"; }

# --- AWS: address, credentials, parameters

imds() {
  local url=http://169.254.169.254/latest token
  token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $url/api/token)
  curl -sSf -H "X-aws-ec2-metadata-token: $token" "$url/meta-data/$1"
}
has_address() { [ "$(imds local-ipv4)" = "$ADDRESS" ] || [ "$(imds public-ipv4)" = "$ADDRESS" ]; }
# The instance role's credentials, as options for curl's standard input
credentials() {
  imds "iam/security-credentials/$(imds iam/security-credentials/)" | python3 -c '
import json, sys
c = json.load(sys.stdin)
print("user = \"%(AccessKeyId)s:%(SecretAccessKey)s\"\nheader = \"X-Amz-Security-Token: %(Token)s\"" % c)'
}
# page PATH NEXT_TOKEN: a page of the parameters directly below the path. A failed request is repeated on its own:
# throttling is a 400, and among half a dozen pages one is always hit.
page() {
  credentials | curl -sSf --retry 4 --retry-all-errors --retry-delay 1 --retry-max-time 60 -K - \
    --aws-sigv4 "aws:amz:$REGION:ssm" "$SSM" \
    -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonSSM.GetParametersByPath' \
    -d "{\"Path\": \"$1\", \"WithDecryption\": true${2:+, \"NextToken\": \"$2\"}}"
}
# parameters PATH FOLDER: each parameter becomes a file in the folder; FOLDER.list has their names and versions
parameters() {
  local next=
  rm -rf "$2" "$2.list"
  mkdir "$2"
  while
    page "$1" "$next" >$work/page && next=$(python3 -c '
import json, sys
page = json.load(sys.stdin)
with open(sys.argv[1] + ".list", "a") as listing:
    for one in page["Parameters"]:
        name = one["Name"].rpartition("/")[2]
        print(name, one["Version"], file=listing)
        with open(f"{sys.argv[1]}/{name}", "w") as file:
            file.write(one["Value"])
print(page.get("NextToken") or "")' "$2" <$work/page) || return
    [ -n "$next" ]
  do :; done
}
# `revision` is written last and has every value's version, so that values of two different `pulumi up` never mix. Its
# first line, after a #, identifies this set of values.
read_parameters() {
  parameters "$PARAMETERS/state" $work/state && parameters "$PARAMETERS" $work/values || return
  if grep -v '^#' $work/state/revision | grep -vxFf $work/values.list; then return 1; fi
}
given() { grep -q "^$1 " $work/state/revision; }
value() { cat "$work/values/$1"; }

if [ "${1-}" = --if-changed ] && [ -f $run/applied ]; then
  parameters "$PARAMETERS/state" $work/state || exit 1
  if sort $work/state.list | cmp -s - $run/applied; then exit 0; fi
fi
say "waiting for the address $ADDRESS"
attempt 300 has_address
say "reading parameters"
attempt 120 read_parameters
sort $work/state.list >$work/applied
revision=$(sed -n 's/^revision //p' $work/applied)
say "applying revision $revision"
# shellcheck source=/dev/null
. $work/values/server.conf
if ! grep -qw "$LOCAL_NAME" /etc/hosts; then echo "127.0.0.1 $LOCAL_NAME" >>/etc/hosts; fi

# --- Data volume: kept when the server is replaced, formatted only if it is blank

find_volume() {
  for device in /dev/disk/by-id/nvme-*_"${DATA_VOLUME/-/}" /dev/sdf /dev/xvdf; do
    if [ -b "$device" ]; then return; fi
  done
  false
}
# Whether there are only zeros in the whole first GiB, at the end, and every 128 MiB, where file systems begin another part
# (ext4: a block group). So checking a large volume takes seconds. What cannot be read is not blank.
blank() {
  local size at
  size=$(blockdev --getsize64 "$device") || return
  cmp -s -n $((size < 1 << 30 ? size : 1 << 30)) "$device" /dev/zero || return
  for ((at = 1 << 30; at < size; at += 1 << 27)); do
    cmp -s -i $at:0 -n 65536 "$device" /dev/zero || return
  done
  cmp -s -i $((size - 65536)):0 -n 65536 "$device" /dev/zero
}
say "waiting for the volume $DATA_VOLUME"
attempt 300 find_volume
found=0
kind=$(blkid -p -o value -s TYPE -s PTTYPE "$device" | paste -sd ' ') || found=$?
if [ $found = 2 ] && blank; then
  say "formatting the blank volume"
  mkfs.ext4 -q "$device"
elif [ "$kind" != ext4 ]; then
  die $LINENO "$DATA_VOLUME ($device) is not blank and not this server's: it holds ${kind:-unknown data}; it is left untouched"
fi
data=/srv/monitoring
mkdir -p $data /var/lib/influxdb /var/lib/grafana
{
  grep -v $data /etc/fstab || true
  echo "$device $data ext4 noatime,nofail,x-systemd.device-timeout=60s 0 0"
  for name in influxdb grafana; do
    echo "$data/$name /var/lib/$name none bind,nofail,x-systemd.requires-mounts-for=$data 0 0"
  done
} | put 644 root /etc/fstab
systemctl daemon-reload
mount_all() {
  for place in $data /var/lib/influxdb /var/lib/grafana; do
    mountpoint -q "$place" || mount "$place"
    mkdir -p $data/influxdb $data/grafana
  done
}
mount_all
large_enough() { [ "$(blockdev --getsize64 "$device")" -ge $((DATA_GIB << 30)) ]; }
attempt 300 large_enough
# If the kernel cannot enlarge a file system in use, the services pause for it.
if ! resize2fs "$device" 2>$work/why; then
  say "enlarging the file system while its services pause: $(tail -n 1 $work/why)"
  for unit in grafana-server influxdb; do
    if systemctl -q is-active $unit; then systemctl stop $unit; fi
  done
  umount /var/lib/influxdb /var/lib/grafana $data
  e2fsck -fp "$device" >$work/why || [ $? = 1 ]
  resize2fs "$device" 2>$work/why
  mount_all
fi
# Each service is restarted whatever ended it, and not started unless the volume is mounted where its data belongs.
for unit in influxdb grafana-server telegraf; do
  mkdir -p /etc/systemd/system/$unit.service.d
  {
    printf '[Service]\nRestart=always\nRestartSec=2s\n[Unit]\nStartLimitIntervalSec=0\n'
    if [ $unit != telegraf ]; then
      printf '%s=/var/lib/'${unit%-server}'\n' RequiresMountsFor AssertPathIsMountPoint
    fi
  } | put 644 root /etc/systemd/system/$unit.service.d/monitoring.conf
done

# --- Packages: exact versions from repositories whose signing key is checked

# In alphabetical order, like dpkg-query's output.
packages=("grafana=$GRAFANA_VERSION" ${INFLUXDB_VERSION:+"influxdb=$INFLUXDB_VERSION"} "telegraf=$TELEGRAF_VERSION")
# A package list that could not be fetched is an error here; otherwise it would cause a less clear one later.
apt() {
  apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o APT::Install-Recommends=no \
    -o APT::Update::Error-Mode=any "$@" || die "${BASH_LINENO[0]}" "apt $*" "${BASH_SOURCE[1]}"
}
# Before the packages start anything.
# shellcheck source=/dev/null
. $work/values/firewall.sh
# repository NAME URL SUITE COMPONENT KEY_URL FINGERPRINT
repository() {
  local keys=$work/$1.key ring=/etc/apt/keyrings/$1.gpg
  export GNUPGHOME=$work
  curl -sSfL --retry 6 --retry-connrefused -o "$keys" "$5" || die $LINENO "$5"
  gpg --batch -q --show-keys --with-colons "$keys" | awk -F: '/^pub/ {p = 1} /^fpr/ && p {print $10; p = 0}' >"$keys.found"
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
  apt install -y gnupg unattended-upgrades
  # shellcheck disable=SC2086 # it is the repository's five words
  repository grafana $GRAFANA_REPOSITORY
  # shellcheck disable=SC2086
  repository influxdata $INFLUXDATA_REPOSITORY
  for package in "${packages[@]}"; do
    printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "${package%%=*}" "${package#*=}"
  done | put 644 root /etc/apt/preferences.d/monitoring
  apt update
  apt install -y --allow-downgrades -o Dpkg::Options::=--force-confold "${packages[@]}"
fi

# --- Files of the services

# owned OWNER FOLDER: files that an earlier server wrote may belong to another user ID
owned() {
  if [ "$(stat -c %U:%G "$2")" != "$1:$1" ]; then chown -R "$1:$1" "$2"; fi
}
value server-certificate | put 644 root $here/server.pem influxdb
authority=()
if given ca-certificate; then
  value ca-certificate | put 644 root $here/ca.pem
  authority=(--cacert "$here/ca.pem")
fi
value server.conf | put 644 root $here/server.conf
value auto-upgrades.conf | put 644 root /etc/apt/apt.conf.d/20auto-upgrades
value aws | put 644 root $here/aws
for name in backup restore; do value $name | put 755 root $here/$name; done
if [ -e $data/restoring ]; then $here/restore undo; fi
answers() { curl -sSf -o /dev/null "${authority[@]}" "$@"; }

# The services: each part is a file in userdata/server, and a parameter.
parts=(${INFLUXDB_VERSION:+influxdb.sh} cloudwatch.sh grafana.sh telegraf.sh backups.sh)
for part in "${parts[@]}"; do
  # shellcheck source=/dev/null
  . "$work/values/$part"
done

# `pulumi up` waits for this. It is in Grafana so that Pulumi needs to reach nothing else.
attempt 120 applied "$(sed -n 's/^# //p' $work/state/revision)"
mv $work/applied $run/applied
say "boot finished: revision $revision"
