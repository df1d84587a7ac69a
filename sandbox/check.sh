#!/usr/bin/env bash
# `make check`: what must pass before every commit. Runs all checks in parallel to the end and reports every failure.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
said=$(mktemp -d) || exit
trap 'rm -rf "$said"' EXIT
names=() jobs=()
# run NAME COMMAND…: starts a check in the background; its output is shown further below, in order
run() {
  names+=("$1"); shift
  "$@" >"$said/${#names[@]}" 2>&1 &
  jobs+=($!)
}
mapfile -t shell_files < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
mapfile -t texts < <(git ls-files --cached --others --exclude-standard | grep -vE 'retired-words|\.(svg|sum|mod|json|lock)$|^requirements')
run "format" .venv/bin/ruff format --check --quiet .
run "lint" .venv/bin/ruff check --quiet .
run "shell" shellcheck "${shell_files[@]}"
# shellcheck disable=SC2317 # `run` calls it
workflows() {
  local programs; programs=$(.venv/bin/python -m sandbox.toolchain checkers) && "$programs/actionlint" && \
    .venv/bin/zizmor --offline --quiet --no-progress --config .github/zizmor.yml .github
}
run "workflows" workflows
run "words" .venv/bin/codespell "${texts[@]}"
# shellcheck disable=SC2317 # `run` calls it
phrases() { ! git grep --untracked -nIE -f docs/style/retired-phrases.txt -- ':!docs/style' ':!*.svg'; }
run "phrases" phrases
run "types" .venv/bin/mypy --no-error-summary __main__.py bootstrap settings components program tools userdata dashboards alerts delivery prove sandbox tests benchmarks
# One process more than there are processors, as tests spend time waiting for scripts and servers.
run "unit tests" .venv/bin/python -m pytest -q -m "not live and not slow" --ignore tests/live -n 3 --dist worksteal --hypothesis-profile check
failed=0
for number in "${!jobs[@]}"; do
  printf '— %s\n' "${names[number]}"
  tail -n +1 -f -s 0.2 --pid "${jobs[number]}" "$said/$((number + 1))"
  wait "${jobs[number]}" || failed=1
done
exit "$failed"
