#!/usr/bin/env bash
# Resolves pyproject.toml into two lock files: requirements.txt for the program (what `pulumi install` installs), and
# requirements-dev.txt, which adds what the local environment and the tests need. A third, of sandbox/grafana/requirements.in,
# is for the Grafana double. They have hashes, and no address of any package index, so that they work behind a mirror, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# If anything fails (a full disk, a version that does not exist), all of them are restored.
files=(requirements.txt requirements-dev.txt sandbox/grafana/requirements.txt)
kept=$(mktemp -d ./.lock.XXXXXX)
trap 'rm -rf "$kept"' EXIT
cp -p --parents "${files[@]}" "$kept"
restore() { for file in "${files[@]}"; do mv -f "$kept/$file" "$file"; done; rm -rf "$kept"; }
trap restore EXIT
home=~
found=("${XDG_CACHE_HOME:-$home/.cache}"/monitoring-sandbox/uv-*/bin/uv)
uv=${found[-1]}
options=(--quiet --universal --generate-hashes --no-header --python-version 3.11)
"$uv" pip compile "${options[@]}" "$@" pyproject.toml --output-file requirements.txt
"$uv" pip compile "${options[@]}" "$@" pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
"$uv" pip compile --quiet --generate-hashes --python-version 3.13 "$@" sandbox/grafana/requirements.in \
  --constraints requirements-dev.txt --output-file sandbox/grafana/requirements.txt
trap 'rm -rf "$kept"' EXIT
