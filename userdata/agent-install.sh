#!/bin/bash
# Makes this Debian or Ubuntu machine send its measurements to the monitoring server. Run it as root:
#   pulumi stack output --show-secrets agentInstallScript | ssh HOST sudo bash
# MONITORING_HOST=NAME before `bash` chooses the name it appears under (its own name otherwise). Safe to run again.
# This file holds the password of a user that may only write; keep it to yourself all the same.
set -euo pipefail
shopt -s lastpipe
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

fail() {
  echo "monitoring: $*" >&2
  exit 1
}

# Everything lies in one function, so that nothing runs before the last line has arrived.
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
  if ! command -v curl >/dev/null || ! command -v gpg >/dev/null; then
    apt update
    apt install -y --no-install-recommends ca-certificates curl gnupg
  fi
  install_telegraf
  configure_telegraf
  echo "monitoring: Telegraf $version reports as ${MONITORING_HOST:-$(hostname)} to {{ values.target.url }}"
}

version={{ values.telegraf_version | shell }}
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "$@"; }

install_telegraf() {
  local url suite component key_url fingerprint found ring=/etc/apt/keyrings/influxdata.gpg
  read -r url suite component key_url fingerprint <<<{{ repository | shell }}
  [ "$(dpkg-query -W -f '${Version}' telegraf 2>/dev/null)" = "$version" ] && return
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  curl -sSfL --retry 5 -o "$work/key" "$key_url" || fail "cannot download the signing key from $key_url"
  found=$(gpg --show-keys --with-colons "$work/key" 2>/dev/null | awk -F: '/^pub/ {p = 1} /^fpr/ && p {print $10; p = 0}')
  grep -qx "$fingerprint" <<<"$found" ||
    fail "$key_url holds ${found//$'\n'/ }, not $fingerprint: see its publisher's news, then set keyFingerprint"
  mkdir -p /etc/apt/keyrings
  gpg --homedir "$work" --batch -q --import "$work/key"
  gpg --homedir "$work" --batch --export "$fingerprint" >$ring
  echo "deb [signed-by=$ring] $url $suite $component" >/etc/apt/sources.list.d/influxdata.list
  printf 'Package: telegraf\nPin: version %s\nPin-Priority: 1001\n' "$version" >/etc/apt/preferences.d/monitoring
  apt update
  apt install -y --no-install-recommends --allow-downgrades -o Dpkg::Options::=--force-confold "telegraf=$version"
}

# put MODE FILE: standard input becomes the file; telegraf is restarted when one of them changed.
changed=
put() {
  local new
  new=$(mktemp)
  cat >"$new"
  if [ -n "$(install -vC -m "$1" -g telegraf "$new" "$2")" ]; then changed=yes; fi
  rm "$new"
}

configure_telegraf() {
  [[ ${MONITORING_HOST:-} =~ ^[A-Za-z0-9._-]*$ ]] || fail "MONITORING_HOST may hold letters, digits, dots and dashes"
  sed "s/^hostname = .*/hostname = \"${MONITORING_HOST:-}\"/" <<'END_OF_FILE' | put 644 /etc/telegraf/telegraf.conf
{{ config | trim("\n") }}
END_OF_FILE
{%- if values.ca %}
  put 644 /etc/telegraf/ca.pem <<'END_OF_FILE'
{{ values.ca | trim("\n") }}
END_OF_FILE
{%- endif %}
  put 640 /etc/default/telegraf <<'END_OF_FILE'
INFLUX_PASSWORD='{{ values.password }}'
END_OF_FILE
  systemctl enable -q telegraf
  if [ -n "$changed" ]; then systemctl restart telegraf; else systemctl start telegraf; fi
}

main
