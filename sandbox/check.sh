#!/usr/bin/env bash
# `make check`: what must hold before every commit, in under a minute. Stops at nothing, reports everything.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
failed=0
run() {
  printf '— %s\n' "$1"; shift
  "$@" || failed=1
}
mapfile -t shell_files < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
run "format" .venv/bin/ruff format --check --quiet .
run "lint" .venv/bin/ruff check --quiet .
run "shell" shellcheck "${shell_files[@]}"
# shellcheck disable=SC2317 # `run` calls it
workflows() {
  local programs; programs=$(.venv/bin/python -m sandbox.toolchain checkers) && "$programs/actionlint" && \
    .venv/bin/zizmor --offline --quiet --no-progress --config .github/zizmor.yml .github
}
run "workflows" workflows
mapfile -t texts < <(git ls-files --cached --others --exclude-standard | grep -vE 'retired-words|\.(svg|sum|mod|json|lock)$|^requirements')
run "words" .venv/bin/codespell "${texts[@]}"
run "types" .venv/bin/mypy --no-error-summary __main__.py bootstrap settings components program tools userdata dashboards alerts delivery prove sandbox tests benchmarks
run "unit tests" .venv/bin/python -m pytest -q -m "not live and not slow" -n 2 --dist loadfile
exit "$failed"
