#!/usr/bin/env bash
# Makes a bare Debian or Ubuntu machine ready for the local environment: Debian packages, uv, the Python
# environment in .venv from the lock file. Fast when everything is there; safe to interrupt and run again.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Also where $HOME is not set, as in a job of cron or systemd.
home=~
cache=${XDG_CACHE_HOME:-$home/.cache}/monitoring-sandbox
uv_version=0.13.9

# command → Debian package that brings it
packages=(
  mmdebstrap:mmdebstrap systemd-nspawn:systemd-container nft:nftables ip:iproute2 nsenter:util-linux
  losetup:mount mkfs.ext4:e2fsprogs apt-ftparchive:apt-utils dpkg-deb:dpkg gpg:gnupg openssl:openssl
  ssh:openssh-client ssh-keygen:openssh-client shellcheck:shellcheck git:git ps:procps
  node:nodejs npm:npm cc:gcc
)
# The browser that looks at the dashboards, which is large, and other people's login shells: for `make test` (and
# `make pictures`) only.
[ -z "${WITH_BROWSER:-}" ] || packages+=(chromium:chromium fish:fish tcsh:tcsh)

die() { printf '\n%s\n' "$*" >&2; exit 1; }
say() { printf '%s\n' "$*" >&2; }
# needs MIB FOLDER: ends, before anything is half made, where less is free
needs() {
  local free
  free=$(df -Pm "$2" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$1" ] || die "only $free MiB are free on the disk of $2, and $1 are needed. Free some space, then run make again."
}

[ "$(uname -s)" = Linux ] || die "The local environment needs Linux (it boots Debian machines); this is $(uname -s)."
[ "$(id -u)" = 0 ] || die "The local environment needs root (it boots machines and makes a network bridge). Run: sudo make ${1:-up}"

missing=()
for pair in "${packages[@]}"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing+=("${pair##*:}")
done
# A C library to link with, which gcc only recommends.
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)

# Python 3.11 or newer with venv, be it the system's or one the person already has.
python=
for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(command -v "$candidate"); break
  fi
done
[ -n "$python" ] || missing+=(python3 python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null 2>&1 || die "Missing: ${missing[*]}. This machine has no apt-get: install them with its package manager, then run make again."
  say "Installing Debian packages: ${missing[*]}"
  log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
         -o DPkg::Lock::Timeout=300 "${missing[@]}" ca-certificates; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2; rm -f "$log"
    die "apt-get could not install: ${missing[*]} (see its output above). Fix that, then run make again."
  fi
  rm -f "$log"
  [ -n "$python" ] || python=$(command -v python3)
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed; $python is $("$python" --version)."
fi

# InfluxDB is built with Rust. Without it an older InfluxDB runs, which every screen says (sandbox/toolchain/influxdb.py):
# so a machine that cannot have it is not refused here. Debian 12's own is too old; it has a newer one for its browsers.
if ! command -v cargo >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  say "Installing Debian packages: Rust"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 cargo-web rustc-web || \
      DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 cargo; } >/dev/null 2>&1 </dev/null || say "This machine's repositories have no Rust."
fi

uv=$cache/uv-$uv_version/bin/uv
# What cannot be run is damaged, or was made with a Python that is gone.
if ! "$uv" --version >/dev/null 2>&1; then
  say "Installing uv $uv_version"
  rm -rf "$cache/uv-$uv_version.new" "$cache/uv-$uv_version"
  mkdir -p "$cache"
  needs 100 "$cache"
  "$python" -m venv "$cache/uv-$uv_version"
  "$cache/uv-$uv_version/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version" </dev/null \
    || die "uv could not be installed from the Python package index (see above). Check the network, then run make again."
fi

stamp=.venv/.lock-sha256
wanted=$(sha256sum requirements-dev.txt | cut -d ' ' -f 1)
works() { .venv/bin/python -c '' 2>/dev/null; }
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || ! works; then
  say "Installing the Python environment (.venv) from the lock file"
  rm -f "$stamp"
  needs 700 "$PWD"
  works || "$uv" venv --quiet --clear --python "$python" .venv
  "$uv" pip sync --quiet --python .venv --require-hashes requirements-dev.txt \
    || die "The Python packages could not be installed (see above). Check the network, then run make again."
  printf '%s\n' "$wanted" >"$stamp"
fi
