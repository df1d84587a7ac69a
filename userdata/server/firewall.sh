# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and sources it: the variables are the boot
# script's, and its folders' names have no blanks.
# Who on this machine reaches what: set before the services' packages are installed, and kept across reboots. Debian's
# cloud images have neither nft nor iptables.

say "closing the metadata service to all but root"
if ! command -v nft >$work/why; then
  apt update
  apt install -y nftables
fi
value firewall.nft | put 644 root $here/firewall.nft
value monitoring-firewall.service | put 644 root /etc/systemd/system/monitoring-firewall.service
settle monitoring-firewall
# Not with a restart, which would also restart all units that require it. Again at each run, in case someone flushed the
# rules.
nft -f $here/firewall.nft
