# shellcheck shell=bash disable=SC2034,SC2154
# Part of the agents' installer (install.sh.j2), on EC2 instances chosen by tag: the AWS side of it is ec2.py.

aws() {
  local python
  python=$(command -v python3 || command -v /usr/libexec/platform-python) ||
    { echo "this machine has no Python 3, which the installer needs here" >"$work/why" && return 1; }
  "$python" - "$@" 2>"$work/why" <<'{{ end }}'
{{ ec2 | trim("\n") }}
{{ end }}
}
identify() {
  local facts
  facts=$(aws identity) || fail "$(tail -n 1 "$work/why")"
  read -r name <<<"$facts"
  if [[ $facts = *$'\n'ephemeral ]]; then ephemeral=$'ephemeral = "true"\n'; fi
}
