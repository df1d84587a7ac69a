# shellcheck shell=bash disable=SC2086,SC2154
# Part of the agents' installer (install.sh.j2): the machine as it was before.

# All that an installation changes besides the package manager's own (`packaging`), folders before what lies in them.
changed=(
  "$service" "$service"/{hardening,inputs,monitoring}.conf
  "$clock.service" "$clock.timer" "${clock%/*}/timers.target.wants/${clock##*/}.timer"
  /etc/telegraf "$config" /etc/telegraf/ca.pem /etc/telegraf/{measure,processes} "$ec2" "$own" /etc/default/telegraf
  /var/log/telegraf /var/lib/telegraf
)

# remember FOLDER: what the machine is like now.
remember() {
  local path saved=()
  mkdir -m 700 "$1"
  for path in "${packaging[@]}" "${changed[@]}"; do
    if [ -f "$path" ]; then
      saved+=("${path#/}")
    elif [ ! -e "$path" ]; then
      echo "$path" >>"$1/absent"
    fi
  done
  printf '%s\n' "${saved[@]}" | sed '/^$/d' | tar -C / -cf "$1/files.tar" --files-from -
  installed >"$1/version"
  held >"$1/held"
  keys >"$1/keys"
  getent passwd telegraf >"$1/user" || true
  systemctl is-active telegraf >"$1/active" 2>/dev/null || true
  systemctl is-enabled telegraf >"$1/enabled" 2>/dev/null || true
}

# put_back FOLDER: the machine is as it was remembered. What cannot be put back is said.
put_back() {
  systemctl stop "${clock##*/}.timer" telegraf 2>/dev/null || true
  (put_back_package "$(<"$1/version")") || true
  (put_back_keys "$(<"$1/keys")") || true
  if [ -f "$1/absent" ]; then xargs -d '\n' rm -rf <"$1/absent"; fi
  tar -C / -xpf "$1/files.tar"
  if [ ! -s "$1/user" ] && getent passwd telegraf >/dev/null; then userdel telegraf; fi
  if [ -s "$1/held" ] && [ -z "$(held)" ]; then (hold) || true; fi
  systemctl daemon-reload
  systemctl reset-failed telegraf 2>/dev/null || true
  if [ -s "$1/version" ] && ! grep -q enabled "$1/enabled"; then systemctl disable -q telegraf; fi
  if grep -qx 'active\|activating' "$1/active"; then systemctl start telegraf; fi
  if [ -e "$clock.timer" ]; then systemctl start "${clock##*/}.timer" 2>/dev/null; fi
  rm -f "$pending"
}
put_back_package() {
  if [ -z "$1" ]; then
    purge_by_force
  elif [ "$(installed)" != "$1" ]; then
    install_version "$1" ||
      echo "monitoring: Telegraf $1, which was here before, cannot be put back: $(why)" >&2
  fi
}

# The end of every run: one that failed leaves the machine as it was, and has said why.
ended() {
  local status=$? command=$BASH_COMMAND
  set +e
  if [ "$status" != 0 ]; then
    if [ -z "$failed" ]; then echo "monitoring: failed at: ${command%%$'\n'*}" >&2; fi
    if [ -n "$undo" ]; then put_back "$undo" >/dev/null; fi
  fi
  rm -rf "$work"
  exit "$status"
}
