# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store and sources it: the variables are the boot
# script's, and its folders' names have no blanks.
# Backups: every day, at once if there has never been one, and whenever `backups.now` changes.

for unit in monitoring-backup.service monitoring-backup.timer; do
  value $unit | put 644 root /etc/systemd/system/$unit monitoring-backup.timer
done
if [ -n "$BACKUP_BUCKET" ]; then
  settle monitoring-backup.timer
  if [ "$BACKUP_NOW" != "$(cat $data/backup.asked 2>$work/why || true)" ]; then
    echo "$BACKUP_NOW" >$data/backup.asked
    systemctl start --no-block monitoring-backup
  fi
else
  if systemctl -q is-enabled monitoring-backup.timer; then systemctl disable -q --now monitoring-backup.timer; fi
fi
