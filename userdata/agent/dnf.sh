# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the agents' installer (install.sh.j2): Telegraf's package, on a machine whose dnf others have set up.
#
# docs.influxdata.com/telegraf/v1/install has a file in /etc/yum.repos.d. None stays here: rpm keeps what is installed
# at its version, and a repository that cannot be reached would break each `dnf upgrade` of the machine.

manager=dnf
locks=(/usr/lib/sysimage/rpm/.rpm.lock /var/lib/rpm/.rpm.lock)
busy='already locked by|(obtain|waiting for|acquire).* lock'
mark=/var/lib/monitoring-telegraf
packaging=(
  "$mark" /etc/telegraf/telegraf.conf.rpmnew /etc/telegraf/telegraf.conf.rpmsave /etc/telegraf/telegraf.d
  /etc/telegraf/telegraf.d/.ignore /etc/logrotate.d/telegraf
)

why() {
  { grep -E 'already locked|application with PID|^ *- |^Error: .|^(Package|Public key) ' "$work/said" ||
    tail -n 2 "$work/said"; } | head -n 3 | paste -sd ' ' | tr -s ' '
}
# rpm waits for its lock without end, and dnf unless exit_on_lock (dnf.conf(5)). Without plugins: versionlock is one, and
# others need a network. `*` means all excludes to dnf 5 (dnf5.conf(5)), `all` to dnf 4.
dnf() {
  local file
  for file in "${locks[@]}"; do
    if [ -n "$(holder "$file")" ]; then
      echo "$file is already locked by another process"
      return 1
    fi
  done
  command dnf -y --setopt=exit_on_lock=1 --setopt=plugins=0 --setopt=disable_excludes=all,* "$@"
}
# With this script's repository alone: a broken third-party one is no obstacle then.
dnf_alone() { patiently dnf --setopt=reposdir="$work/repos" --setopt=cachedir="$work/cache" --setopt=keepcache=0 "$@"; }

installed() {
  { rpm -q --qf '%{EVR}\n' telegraf 2>/dev/null || true; } | sed '/not installed/d' | head -n 1
}
# A lock of the plugin versionlock is a line in a file of its own, which an installation does not touch.
held() { :; }
hold() { :; }

install_tools() {
  local tool missing=()
  for tool in curl gpg:gnupg2 cmp:diffutils tar awk:gawk xargs:findutils hostname; do
    command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
  done
  if [ -z "${missing[*]}" ]; then return; fi
  patiently dnf install "${missing[@]}" || fail "cannot install ${missing[*]}: $(why)"
}

install_version() { dnf_alone install "telegraf-$1"; }

install_telegraf() {
  local wanted key=
  wanted="Telegraf $version from $rpm_url, signed by $fingerprint"
  if [ "$(installed)" = "$version" ] && [ "$(head -n 1 $mark 2>/dev/null)" = "$wanted" ]; then return; fi
  fetch_key "$key_url" "$fingerprint"
  gpg --homedir "$work/gnupg" --batch --armor --export "$fingerprint" >"$work/ring.asc"
  mkdir "$work/repos"
  cat >"$work/repos/monitoring.repo" <<END
[monitoring]
name = InfluxData, for the monitoring agent
baseurl = $rpm_url
gpgcheck = 1
skip_if_unavailable = 0
gpgkey = file://$work/ring.asc
END
  dnf_alone makecache || fail "cannot read the repository $rpm_url: $(why)"
  install_version "$version" || fail "cannot install Telegraf $version from $rpm_url: $(why)"
  # rpm knows the key from now on. It goes with the agent, unless the machine knew it before.
  if [ ! -s "$undo/keys" ] || grep -qs "^key: " $mark; then key=$(keys); fi
  printf '%s\n' "$wanted" ${key:+"key: $key"} >$mark
}

# The publisher's key in rpm's database, which names it by its end, and by all of it since rpm 6.
keys() {
  { rpm -q gpg-pubkey 2>/dev/null || true; } | grep -iE "^gpg-pubkey-(${fingerprint: -8}|$fingerprint)-" || true
}
# put_back_keys OLD: the key goes, unless rpm had one before.
put_back_keys() {
  local new
  new=$(keys)
  if [ -z "$1" ] && [ -n "$new" ]; then rpm -e $new; fi
}

purge() { dnf_alone remove telegraf; }
purge_by_force() {
  if [ -z "$(installed)" ]; then return; fi
  purge || patiently rpm -e telegraf
}
forget_repository() {
  local key
  key=$(sed -n 's/^key: //p' $mark)
  if [ -n "$key" ]; then rpm -e $key || true; fi
}
