"""The server's files for backups. Pure, as render.py: values in, text out."""

from __future__ import annotations

from userdata.render import render, without_comments


def variables(region: str, bucket: str, stack: str, now: int, restore_from: str) -> dict[str, str]:
    """What backup.sh and restore.sh read from /etc/monitoring/settings beside what boot.sh does.

    bucket: empty when backups are off. now: another number asks for a backup at once. restore_from: see
    components/backups.py. Buckets are named in the path: their names need not fit S3's certificate.
    """
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return {
        "S3": f"https://s3.{region}.{domain}",
        "BACKUP_BUCKET": bucket,
        "BACKUP_PREFIX": stack,
        "BACKUP_NOW": str(now),
        "RESTORE_FROM": restore_from,
    }


def files(schedule: str) -> dict[str, str]:
    """Name and content of each file; schedule: time of day, UTC. boot.sh puts them where they belong.

    Each fits a standard parameter (4 KiB).
    """
    contents = {
        "backup": render("backup.sh"),
        "restore": render("restore.sh"),
        "monitoring-backup.service": render("backup.service"),
        "monitoring-backup.timer": render("backup.timer", schedule=schedule),
    }
    return {name: without_comments(content) for name, content in contents.items()}
