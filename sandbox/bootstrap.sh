#!/usr/bin/env bash
# Prepares a bare Debian or Ubuntu machine for the local environment: Debian packages, uv, and the Python environment
# in .venv from the lock file. Fast when everything is installed; safe to interrupt and run again.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Works even if $HOME is not set, as in a cron job or a systemd service.
home=~
cache=${XDG_CACHE_HOME:-$home/.cache}/monitoring-sandbox
uv_version=0.13.9

# command:Debian package that contains it
packages=(
  mmdebstrap:mmdebstrap systemd-nspawn:systemd-container nft:nftables ip:iproute2 nsenter:util-linux
  losetup:mount mkfs.ext4:e2fsprogs apt-ftparchive:apt-utils dpkg-deb:dpkg gpg:gnupg openssl:openssl
  ssh:openssh-client ssh-keygen:openssh-client shellcheck:shellcheck git:git ps:procps
  node:nodejs npm:npm cc:gcc
)
# Only for `make test` and `make pictures`: the browser that opens the dashboards, which is large, and further login
# shells.
[ -z "${WITH_BROWSER:-}" ] || packages+=(chromium:chromium fish:fish tcsh:tcsh)

die() { printf '\n%s\n' "$*" >&2; exit 1; }
say() { printf '%s\n' "$*" >&2; }
# needs MIB FOLDER: ends the script, before anything is half-made, if less is free on the folder's disk
needs() {
  local free
  free=$(df -Pm "$2" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$1" ] || die "Only $free MiB are free on the disk of $2, and $1 are needed. Free some space, then run make again."
}

[ "$(uname -s)" = Linux ] || die "The local environment needs Linux (it boots Debian machines); this is $(uname -s)."
[ "$(id -u)" = 0 ] || die "The local environment needs root (it boots machines and makes a network bridge). Run: sudo make ${1:-up}"

missing=()
for pair in "${packages[@]}"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing+=("${pair##*:}")
done
# The C library's headers, which gcc only recommends.
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)

# Python 3.11 or newer with venv: the system's, or any other on the PATH.
python=
for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(command -v "$candidate"); break
  fi
done
[ -n "$python" ] || missing+=(python3 python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null 2>&1 || die "Missing: ${missing[*]}. This machine has no apt-get; install them with its package manager, then run make again."
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

# Building InfluxDB takes Rust. A machine that cannot have Rust is not refused: an older InfluxDB runs there, which
# `make up` and `make status` say (sandbox/toolchain/influxdb.py). Debian 12's cargo and rustc are too old; cargo-web and
# rustc-web are the newer ones with which it builds its browsers.
if ! command -v cargo >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  say "Installing Debian packages: Rust"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 cargo-web rustc-web || \
      DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 cargo; } >/dev/null 2>&1 </dev/null || say "Could not install Rust; InfluxDB will be an older version."
fi

uv=$cache/uv-$uv_version/bin/uv
# If it does not run, it is damaged or was installed with a Python that has been removed.
if ! "$uv" --version >/dev/null 2>&1; then
  say "Installing uv $uv_version"
  rm -rf "$cache/uv-$uv_version"
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
