#!/bin/sh
# processes N: the N names whose processes used the most CPU since the last call, and the N with the most private memory: a
# series per rank, whatever runs. Telegraf runs it once a minute if the setting topProcesses is above 0.
# A process that began and ended in between is not seen. Memory shared with others (page cache, too) does not count: many
# processes of one name would count it many times.
export LC_ALL=C
# Telegraf's service owns it (telegraf-hardening.conf).
here=/run/telegraf-processes

cd /proc || exit

{
  cat $here/before 2>/dev/null
  sed 's/^/now /' uptime
  # Some processes end before they are read.
  cat [0-9]*/stat 2>/dev/null
  grep -Hs '^RssAnon:' [0-9]*/status
} | awk -v most="$1" -v ticks="$(getconf CLK_TCK)" -v kept=$here/after '
  function largest(of,  name, found) {
    for (name in of) if (of[name] > 0 && (found == "" || of[name] > of[found])) found = name
    return found
  }
  $1 == "before" { before = $2; next }
  $1 == "used" { known[$2] = $3; next }
  $1 == "now" { now = $2; print "before", now >kept; next }
  # A name in parentheses may contain parentheses and blanks: it ends at the last one. Field 3 and later follow it.
  /^[0-9]+ \(.+\) . / {
    match($0, /\(.+\)/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    gsub(/[^ -~]|["\\]/, "_", name)
    split(substr($0, RSTART + RLENGTH + 1), field, " ")
    named[$1] = name
    started = field[20] / ticks
    used = field[12] + field[13]
    process = $1 ":" field[20]
    print "used", process, used >kept
    if (before && (process in known || started >= before) && used > known[process] + 0) {
      cpu[name] += used - known[process]
      cpu_count[name]++
    }
    next
  }
  /^[0-9]+\/status:/ {
    split($1, part, "/")
    if (part[1] in named) {
      memory[named[part[1]]] += $2
      memory_count[named[part[1]]]++
    }
  }
  END {
    for (rank = 1; rank <= most; rank++) {
      line = ""
      if ((name = largest(cpu)) != "") {
        share = cpu[name] / ticks / (now - before) * 100
        line = sprintf("cpu=%.1f,cpu_name=\"%s\",cpu_count=%di", share, name, cpu_count[name])
        delete cpu[name]
      }
      if ((name = largest(memory)) != "") {
        line = line (line == "" ? "" : ",") sprintf("memory=%.0fi,", memory[name] * 1024)
        line = line sprintf("memory_name=\"%s\",memory_count=%di", name, memory_count[name])
        delete memory[name]
      }
      if (line != "") printf "top_processes,rank=%d %s\n", rank, line
    }
  }' && mv $here/after $here/before
