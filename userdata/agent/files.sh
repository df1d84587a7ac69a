# shellcheck shell=bash disable=SC2154
# Part of the agents' installer (install.sh.j2): the files it writes.

# put MODE FILE: standard input becomes the file, all of it or nothing, and telegraf needs a restart if it was another
# one. It is not forgotten by a run that ends in between.
pending=/run/monitoring-telegraf-restart
put() {
  local new=$2.new
  mkdir -p "${2%/*}"
  install -m 600 /dev/null "$new"
  cat >"$new"
  if cmp -s "$new" "$2"; then
    install -C -m "$1" -g telegraf "$new" "$2"
    rm "$new"
  else
    touch $pending
    chmod "$1" "$new"
    chgrp telegraf "$new"
    sync "$new"
    mv "$new" "$2"
  fi
}

# take FILE: the file is gone; telegraf is restarted when it was there.
take() {
  if [ -e "$1" ]; then
    touch $pending
    rm "$1"
  fi
}

# put_or_take MODE FILE TEXT: the file holds the text, and is gone without one.
put_or_take() { if [ -n "$3" ]; then put "$1" "$2" <<<"$3"; else take "$2"; fi; }
