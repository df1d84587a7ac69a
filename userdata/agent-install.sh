#!/bin/bash
# Makes this Debian or Ubuntu machine send its measurements to the monitoring server. Run it as root:
#   pulumi stack output --show-secrets agentInstallScript | ssh HOST sudo bash
# MONITORING_HOST=NAME before `bash` chooses the name it appears under (its own name otherwise). Safe to run again.
# `bash -s remove` instead of `bash` takes everything away again.
# This file holds the password of a user that may only write; keep it to yourself all the same.
set -euo pipefail
shopt -s lastpipe
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

fail() {
  echo "monitoring: $*" >&2
  exit 1
}

# Everything lies in functions, so that nothing runs before the last line has arrived.
main() {
  local system
  [ "$(id -u)" = 0 ] || fail "must be run by root; pipe it to 'sudo bash'"
  # shellcheck source=/dev/null
  system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}") || true
  case " $system " in
    *" debian "* | *" ubuntu "*) ;;
    *) fail "this is '${system:-an unknown system}'; only Debian and Ubuntu are supported" ;;
  esac
  [ -d /run/systemd/system ] || fail "this system was not started by systemd, which Telegraf's service needs"
  [[ $name =~ ^[A-Za-z0-9._-]*$ ]] || fail "MONITORING_HOST may hold letters, digits, dots and dashes"
  [ ! -e /etc/monitoring/settings ] || fail "this is a monitoring server, which watches itself already"
  if [ "${1:-}" = remove ]; then
    remove_telegraf
    return
  fi
{%- if values.inputs.docker %}
  getent group docker >/dev/null || fail "inputs.docker: this machine has no group docker; is Docker installed?"
{%- endif %}
  if ! command -v curl >/dev/null || ! command -v gpg >/dev/null; then
    apt update
    apt install -y --no-install-recommends ca-certificates curl gnupg
  fi
  install_telegraf
  configure_telegraf
  echo "monitoring: Telegraf $version reports as ${name:-$(hostname)} to {{ values.target.url }}"
}

name=${MONITORING_HOST:-{{ values.host }}}
version={{ values.telegraf_version | shell }}
config=/etc/telegraf/telegraf.conf
ring=/etc/apt/keyrings/influxdata.gpg
source=/etc/apt/sources.list.d/influxdata.list
pin=/etc/apt/preferences.d/monitoring
service=/etc/systemd/system/telegraf.service.d
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "$@"; }

install_telegraf() {
  local url suite component key_url fingerprint found line
  read -r url suite component key_url fingerprint <<<{{ repository | shell }}
  line="deb [signed-by=$ring] $url $suite $component"
  if [ "$(dpkg-query -W -f '${db:Status-Status} ${Version}' telegraf 2>/dev/null)" = "installed $version" ] &&
    grep -qxF "$line" $source 2>/dev/null; then return; fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  curl -sSfL --retry 5 -o "$work/key" "$key_url" || fail "cannot download the signing key from $key_url"
  found=$(gpg --show-keys --with-colons "$work/key" 2>/dev/null | awk -F: '/^pub/ {p = 1} /^fpr/ && p {print $10; p = 0}')
  grep -qx "$fingerprint" <<<"$found" ||
    fail "$key_url holds ${found//$'\n'/ }, not $fingerprint: see its publisher's news, then set keyFingerprint"
  mkdir -p /etc/apt/keyrings
  gpg --homedir "$work" --batch -q --import "$work/key"
  gpg --homedir "$work" --batch --export "$fingerprint" >$ring
  echo "$line" >$source
  printf 'Package: telegraf\nPin: version %s\nPin-Priority: 1001\n' "$version" >$pin
  apt update
  apt install -y --no-install-recommends --allow-downgrades -o Dpkg::Options::=--force-confold "telegraf=$version"
}

# put MODE FILE: standard input becomes the file; telegraf is restarted when one of them changed.
changed=
put() {
  local new
  new=$(mktemp)
  cat >"$new"
  if [ -n "$(install -DvC -m "$1" -g telegraf "$new" "$2")" ]; then changed=yes; fi
  rm "$new"
}

# take FILE: the file is gone; telegraf is restarted when it was there.
take() {
  if [ -e "$1" ]; then
    rm "$1"
    changed=yes
  fi
}

configure_telegraf() {
  sed "s/^hostname = .*/hostname = \"$name\"/" <<'END_OF_FILE' | put 644 $config
{{ config | trim("\n") }}
END_OF_FILE
{%- if values.ca %}
  put 644 /etc/telegraf/ca.pem <<'END_OF_FILE'
{{ values.ca | trim("\n") }}
END_OF_FILE
{%- else %}
  take /etc/telegraf/ca.pem
{%- endif %}
  put 640 /etc/default/telegraf <<'END_OF_FILE'
INFLUX_PASSWORD='{{ values.password }}'
{%- for variable, secret in values.inputs.secrets.items() %}
{{ variable }}='{{ secret }}'
{%- endfor %}
END_OF_FILE
{%- if values.inputs.service_options %}
  put 644 $service/monitoring.conf <<'END_OF_FILE'
[Service]
{{ values.inputs.service_options | join("\n") }}
END_OF_FILE
{%- else %}
  take $service/monitoring.conf
{%- endif %}
  systemctl daemon-reload
  systemctl enable -q telegraf
  if [ -n "$changed" ]; then systemctl restart telegraf; else systemctl start telegraf; fi
}

# Only what this script made goes: not an agent that has another name or sends elsewhere by now.
remove_telegraf() {
  local line
  for line in 'urls = [{{ values.target.url | toml }}]' "hostname = \"$name\""; do
    if [ -f $config ] && ! grep -qxF "$line" $config; then
      echo "monitoring: the agent here is another one by now, and stays"
      return
    fi
  done
  systemctl disable -q --now telegraf 2>/dev/null || true
  apt purge -y telegraf
  rm -rf $ring $source $pin $service /etc/telegraf /etc/default/telegraf /var/log/telegraf
  systemctl daemon-reload
  if getent passwd telegraf >/dev/null; then userdel telegraf; fi
  echo "monitoring: Telegraf is removed"
}

{ main "$@"; }
