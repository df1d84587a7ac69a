# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the agents' installer (install.sh.j2): Telegraf's package, on a machine whose apt others have set up.

manager=apt-get
locks=(/var/lib/apt/lists/lock /var/cache/apt/archives/lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock)
busy='could not get lock|unable to (lock|acquire)|lock was locked'
ring=/etc/apt/keyrings/influxdata.gpg
source=/etc/apt/sources.list.d/influxdata.list
pin=/etc/apt/preferences.d/monitoring
mark=$pin
packaging=(/etc/apt/keyrings "$ring" "$source" "$pin")

# Why the last command failed, on one line. apt waits for dpkg's locks at most (DPkg::Lock::Timeout, apt.conf(5)), never
# for those of the lists and of the downloads.
why() { { grep '^E: ' "$work/said" || tail -n 2 "$work/said"; } | paste -sd ' '; }
apt() { patiently apt-get -qq -o Acquire::Retries=5 "$@"; }
# Without the machine's own sources and pins, which may be broken, and without the release that it prefers, which this
# repository does not have ("is invalid for APT::Default-Release"). Its proxies stay.
apt_alone() {
  apt -o "Dir::Etc::sourcelist=$work/source.list" -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Default-Release= "$@"
}

installed() {
  { dpkg-query -W -f '${db:Status-Status} ${Version}\n' telegraf 2>/dev/null || true; } | sed -n 's/^installed //p'
}
# Not by apt-mark, which needs sources that it can read.
held() { { dpkg --get-selections telegraf 2>/dev/null || true; } | awk '$2 == "hold" {print $1}'; }
hold() { patiently sh -c 'echo telegraf hold | dpkg --set-selections'; }

# apt has its keys in files.
keys() { :; }
put_back_keys() { :; }

install_tools() {
  local tools=(ca-certificates curl gnupg)
  if command -v curl >/dev/null && command -v gpg >/dev/null; then return; fi
  if apt install -y --no-install-recommends "${tools[@]}"; then return; fi
  apt update || true
  apt install -y --no-install-recommends "${tools[@]}" || fail "cannot install ${tools[*]}: $(why)"
}

install_version() {
  apt_alone install -y --no-install-recommends --allow-downgrades --allow-change-held-packages \
    -o Dpkg::Options::=--force-confold "telegraf=$1"
}

install_telegraf() {
  local url suite component key_url fingerprint on_hold wanted
  read -r url suite component key_url fingerprint <<<"$repository"
  wanted="Explanation: from $url $suite $component, signed by $fingerprint
Package: telegraf
Pin: version $version
Pin-Priority: 1001"
  if [ "$(installed)" = "$version" ] && cmp -s $pin <<<"$wanted"; then return; fi
  fetch_key "$key_url" "$fingerprint"
  gpg --homedir "$work/gnupg" --batch --export "$fingerprint" >"$work/ring.gpg"
  echo "deb [signed-by=$work/ring.gpg] $url $suite $component" >"$work/source.list"
  apt_alone update || fail "cannot read the repository $url: $(why)"
  # A hold means that no upgrade may come by itself. This one is asked for, and the hold stays.
  on_hold=$(held)
  install_version "$version" || fail "cannot install Telegraf $version from $url: $(why)"
  # apt.conf may have it do less than it says, as APT::Get::Download-Only does.
  [ "$(installed)" = "$version" ] || fail "apt did not install Telegraf $version, and does not say why: see 'apt-config dump'"
  if [ -n "$on_hold" ]; then hold; fi
  mkdir -p "${source%/*}" "${ring%/*}" "${pin%/*}"
  name_source "${url%/}" "$suite" "$component"
  echo "$wanted" >$pin
}

# The source is the installer's if it holds nothing but its line.
source_is_ours() { [ -f $source ] && ! grep -qvF "deb [signed-by=$ring] " $source; }

# The machine's apt learns of the repository, unless it knows it already, under whatever name, address and key: two
# keys for one repository are "Conflicting values set for option Signed-By", and nothing can be updated any more.
name_source() {
  local others known
  if source_is_ours; then rm -f "$source" "$ring"; fi
  if [ -e $source ] || { [ -e $ring ] && ! cmp -s "$work/ring.gpg" $ring; }; then
    echo "monitoring: $source or $ring is somebody else's, and stays"
    return
  fi
  # shellcheck disable=SC2016 # it is apt that fills them in
  others=$(apt-get indextargets --no-release-info --format '$(SOURCESENTRY) $(REPO_URI) $(RELEASE)' 2>/dev/null) || {
    echo "monitoring: apt cannot read this machine's sources, which stay as they are: see 'apt-get update'"
    return
  }
  known=$(awk -v here="${1#*://}" -v suite="$2" '
    {address = $2; sub("^[a-z+]*://", "", address); sub("/+$", "", address)}
    address == here && $3 == suite {sub(":[0-9]+$", "", $1); print $1; exit}' <<<"$others")
  if [ -n "$known" ]; then
    echo "monitoring: $known names the repository already, and stays as it is"
    return
  fi
  install -m 644 "$work/ring.gpg" $ring
  echo "deb [signed-by=$ring] $*" >$source
  if ! apt-get indextargets --no-release-info >/dev/null 2>&1; then rm -f "$source" "$ring"; fi
}

purge() { apt_alone purge -y --allow-change-held-packages telegraf; }
# Also one that is half installed.
purge_by_force() {
  if ! dpkg-query -W telegraf >/dev/null 2>&1; then return; fi
  purge || patiently dpkg --purge --force-all telegraf
}
forget_repository() { if source_is_ours; then rm -f $source $ring; fi; }
