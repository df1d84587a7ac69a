#!/bin/bash
# Before each start of Grafana, as root: a database that SQLite cannot read, with which Grafana would fail at every start,
# is set aside and replaced with the last backup's copy; without a copy Grafana begins with an empty database. The boot
# script then creates the users again (users.conf). Installed as /etc/monitoring/grafana-database.
set -euo pipefail
database=/var/lib/grafana/grafana.db copy=/srv/monitoring/grafana.db.copy
[ -s $database ] || exit 0
# Opened as Grafana opens it, so that an incomplete transaction is rolled back first, as after a power cut. A locked or
# unreachable file does not count as damaged.
runuser -u grafana -- python3 - $database <<'END' && exit 0 || [ $? = 3 ] || exit 0
import sqlite3, sys
damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
try:
    database = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, timeout=30)
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
except sqlite3.DatabaseError as error:
    sys.exit(3 if error.sqlite_errorcode & 0xFF in damaged else 0)
sys.exit(0 if found == "ok" else 3)
END
for file in "$database"*; do
  case $file in *.bad*) ;; *) mv "$file" "$database.bad${file#"$database"}" ;; esac
done
with="an empty one"
if [ -s $copy ]; then
  install -m 640 -o grafana -g grafana $copy $database
  with="the last backup's"
fi
echo "monitoring: Grafana's database is damaged and set aside as $database.bad; Grafana begins with $with." \
  "Run: pulumi refresh && pulumi up" | tee /dev/console || true
