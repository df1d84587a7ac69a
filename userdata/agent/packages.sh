# shellcheck shell=bash disable=SC2034,SC2154
# Part of the agents' installer (install.sh.j2): what apt.sh and dnf.sh have in common.

patience=300
# patiently COMMAND...: run it, again and again while somebody else holds a lock of the package manager's.
patiently() {
  local end=$((SECONDS + patience))
  until "$@" >"$work/said" 2>&1 </dev/null; do
    if ! grep -qiE "$busy" "$work/said"; then return 1; fi
    if ((SECONDS >= end)); then fail "${manager%-get} has been in use for $patience s: $(holders); try again when it is free"; fi
    sleep 2
  done
}
# The process that holds a lock of this file, if there is one.
holder() { awk -v inode=":$(stat -c %i "$1" 2>/dev/null || echo -)$" '$6 ~ inode {print $5; exit}' /proc/locks; }
holders() {
  local file process found=
  for file in "${locks[@]}"; do
    process=$(holder "$file")
    if [ -n "$process" ]; then
      found+="${found:+, }$file is held by $(cat "/proc/$process/comm" 2>/dev/null || echo somebody) (process $process)"
    fi
  done
  echo "${found:-$(why)}"
}

# fetch_key URL FINGERPRINT: the key that may sign packages, and no other of that file, in $work/gnupg.
fetch_key() {
  local found
  curl -sSfL --retry 5 --connect-timeout 10 -o "$work/key" "$1" || fail "cannot download the signing key from $1"
  found=$({ gpg --show-keys --with-colons "$work/key" 2>/dev/null || true; } | awk -F: '/^pub/ {p = 1} /^fpr/ && p {print $10; p = 0}')
  grep -qx "$2" <<<"$found" ||
    fail "$1 holds ${found//$'\n'/ }, not $2: see its publisher's news, then set keyFingerprint"
  mkdir -m 700 "$work/gnupg"
  gpg --homedir "$work/gnupg" --batch -q --import "$work/key"
}
