#!/bin/sh
# Telegraf runs this once a minute on every host (inputs.exec): one line, one series, of what its own inputs measure only
# with a hundred more fields (nstat), a series per unit (systemd_units), or an error each time where the kernel has no
# such file (conntrack, psi). What a host does not have is left out.
export LC_ALL=C
line=

# fields TEXT: adds these fields, if there are any.
fields() {
  if [ -n "$1" ]; then line="$line${line:+,}$1"; fi
}

# add NAME VALUE: adds a field, if there is a value.
add() {
  fields "${2:+$1=$2}"
}

# Percent of the last minute in which some process, or all that could run, waited for the resource.
# waited RESOURCE WHO
waited() {
  sed -nE "s/^$2 .*avg60=([0-9.]+) .*/\1/p" "/proc/pressure/$1" 2>/dev/null
}
add cpu_some "$(waited cpu some)"
for resource in memory io; do
  add ${resource}_some "$(waited $resource some)"
  add ${resource}_full "$(waited $resource full)"
done

add oom_kills "$(sed -nE 's/^oom_kill ([0-9]+)$/\1i/p' /proc/vmstat)"
add files_open "$(sed -nE 's/^([0-9]+).*/\1i/p' /proc/sys/fs/file-nr)"

# socket PROTOCOL NAME
socket() {
  sed -nE "s/^$1:.* $2 ([0-9]+).*/\1i/p" /proc/net/sockstat
}
add sockets_used "$(socket sockets used)"
add tcp_waiting "$(socket TCP tw)"
add tcp_orphans "$(socket TCP orphan)"

# counter FILE PROTOCOL NAME: a value from a file with two lines per protocol, names and numbers.
counter() {
  awk -v row="$2:" -v name="$3" '
    $1 != row { next }
    at { print $at "i"; exit }
    { for (n = 2; n <= NF; n++) if ($n == name) at = n }' "/proc/net/$1"
}
add tcp_established "$(counter snmp Tcp CurrEstab)"
add tcp_sent "$(counter snmp Tcp OutSegs)"
add tcp_resent "$(counter snmp Tcp RetransSegs)"
add tcp_overflows "$(counter netstat TcpExt ListenOverflows)"

for what in count max; do
  add conntrack_$what "$(sed 's/$/i/' /proc/sys/net/netfilter/nf_conntrack_$what 2>/dev/null)"
done

# Seconds between this clock and the true time, according to chrony or systemd-timesyncd.
offset=$(timeout 2 chronyc -c tracking 2>/dev/null | cut -d, -f5)
if [ -z "$offset" ]; then
  offset=$(timeout 2 timedatectl timesync-status 2>/dev/null | awk '
    $1 == "Offset:" && match($2, /^[-+]?[0-9.]+/) {
      unit = substr($2, RLENGTH + 1)
      print substr($2, 1, RLENGTH) * (unit == "us" ? 0.000001 : unit == "ms" ? 0.001 : unit == "min" ? 60 : 1)
    }')
fi
add clock_offset "$offset"

if failed=$(timeout 3 systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null); then
  names=$(printf '%s\n' "$failed" | cut -d ' ' -f 1 | tr '\n' ' ' | cut -c 1-200 | sed 's/ *$//; s/[\\"]/\\&/g')
  add failed_units "$(printf '%s' "$failed" | grep -c .)i"
  add failed_names "\"$names\""
fi

# Totals, so that a dashboard of all hosts reads one series per host. Of disks: whole ones, like the dashboards'
# WHOLE_DISKS. A sector here is 512 bytes.
fields "$(awk '
  $3 ~ /^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+)$/ {
    found = 1; reads += $4; read += $6; writes += $8; written += $10
  }
  END {
    if (found) printf "disk_reads=%.0fi,disk_read_bytes=%.0fi,disk_writes=%.0fi,disk_write_bytes=%.0fi",
      reads, read * 512, writes, written * 512
  }' /proc/diskstats)"

# Of network cards: those with a device behind them, so that a packet counts once, whatever bridges, bonds and tunnels it
# passes; not those that are part of another one (a cloud's fast path). A container has none: there, all but bridges and
# their ports.
cards=
for card in /sys/class/net/*; do
  if [ -e "$card/device" ] && ! [ -e "$card/master/device" ]; then cards="$cards ${card##*/} "; fi
done
if [ -z "$cards" ]; then
  for card in /sys/class/net/*; do
    if ! [ -e "$card/bridge" ] && ! [ -e "$card/brport" ]; then cards="$cards ${card##*/} "; fi
  done
fi
fields "$(awk -v cards="$cards" '
  { sub(":", " ") }
  $1 != "lo" && index(cards, " " $1 " ") {
    found = 1; received += $2; in_packets += $3; sent += $10; out_packets += $11; lost += $4 + $5 + $12 + $13
  }
  END {
    if (!found) exit
    printf "net_bytes_recv=%.0fi,net_bytes_sent=%.0fi,", received, sent
    printf "net_packets_recv=%.0fi,net_packets_sent=%.0fi,net_lost=%.0fi", in_packets, out_packets, lost
  }' /proc/net/dev)"

printf 'host_status %s\n' "$line"
