# moving.py's client for the InfluxDB on either side: it lists the content, and writes line protocol. Installed as
# /etc/monitoring/moving_engine.py.
import re
from collections.abc import Iterable, Iterator
from typing import Any

from influxdb_engine import Engine, RefusedError, header, quoted  # type: ignore[import-not-found]

# Measurements that the server writes about each InfluxDB, which are not copied
NOT = ("rollup", "influxdb_probe", "moving")
TIMES = {"h": 3600, "m": 60, "s": 1}
# The type of a field that differs between shards: a field has one type per shard
MIXED = "mixed"


class Side(Engine):  # type: ignore[misc]
    # writer, reader: name and password
    def __init__(self, url: str, database: str, ca: str, writer: list[str], reader: list[str]) -> None:
        super().__init__(url, database, ca, reader)
        self.writer = header(writer)

    # A query's series, of all measurements that are copied
    def everything(self, query: str) -> Iterator[dict[str, Any]]:
        return (each for each in self.ask(query) if each["name"] not in NOT)

    # Returns the engine's reason if it refused points, for their type or their age; it has stored the others.
    def write(self, lines: Iterable[str]) -> str:
        try:
            self.post("write", self.writer, "\n".join(lines)).close()
        except OSError as error:
            said = str(error.strerror)
            # Of these lines, only a number that is too large for its type cannot be parsed.
            if error.errno in (400, 422) and ("partial write" in said or "unable to parse" in said):
                return said
            raise
        return ""

    # How many seconds the default policy keeps points; 0: forever
    def kept(self) -> int:
        found = self.ask(f'SHOW RETENTION POLICIES ON "{self.database}"')
        rows = [row for each in found for row in each["values"] if row[each["columns"].index("default")]]
        if not rows:
            raise OSError(f"{self.url}: the database {self.database} has no default retention policy")
        return sum(int(number) * TIMES[unit] for number, unit in re.findall("([0-9]+)([hms])", rows[0][1]))

    # The time of the first point in seconds, or `end`. policy: the prefix of measurements' names
    def oldest(self, policy: str, end: int, start: int = 0) -> int:
        times = f"WHERE time >= {start}s AND time < {end}s"
        found = self.everything(f"SELECT * FROM {policy}/.*/ {times} ORDER BY time LIMIT 1")
        return min([each["values"][0][0] // 10**9 for each in found], default=end)

    # Measurement -> type of each field
    def types(self, policy: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for each in self.everything(f"SHOW FIELD KEYS FROM {policy}/.*/"):
            fields = found.setdefault(each["name"], {})
            for field, kind in each["values"]:
                fields[field] = MIXED if field in fields else kind
        return found

    # JSON does not distinguish 5 from 5.0, but only integers have bits.
    def is_integer(self, measurement: str, field: str, times: str) -> bool:
        try:
            list(self.ask(f'SELECT "{quoted(field)}" & 0 FROM {measurement} {times} LIMIT 1'))
        except RefusedError as error:
            if "incompatible types" in str(error):
                return False
            raise
        return True

    # Measurement -> series -> number of values
    def counts(self, policy: str, times: str) -> dict[str, dict[Any, int]]:
        found: dict[str, dict[Any, int]] = {}
        for each in self.everything(f"SELECT count(*) FROM {policy}/.*/ {times} GROUP BY *"):
            tags = tuple(sorted((key, value) for key, value in each.get("tags", {}).items() if value))
            number = sum(value or 0 for row in each["values"] for value in row[1:])
            found.setdefault(each["name"], {})[tags] = number
        return found

    # A measurement in line protocol. kinds: the type of each field
    def points(self, policy: str, name: str, times: str, kinds: dict[str, str]) -> Iterator[str]:
        # A regular expression also matches names that InfluxQL cannot quote or reserves (_series).
        letters = re.sub("[^A-Za-z0-9]", lambda one: "\\x{" + f"{ord(one[0]):x}" + "}", name)
        measurement = f"{policy}/^{letters}$/"
        mixed = [field for field, kind in kinds.items() if kind == MIXED]
        here = {field: "integer" for field in mixed if self.is_integer(measurement, field, times)}
        for series in self.ask(f"SELECT * FROM {measurement} {times} GROUP BY *"):
            tags = sorted((key, value) for key, value in series.get("tags", {}).items() if value)
            start = ",".join(
                [re.sub("([, ])", r"\\\1", name), *(f"{escaped(key)}={escaped(value)}" for key, value in tags)]
            )
            columns = [(escaped(key), here.get(key, kinds[key])) for key in series["columns"][1:]]
            for at, *values in series["values"]:
                found = zip(columns, values, strict=True)
                fields = [f"{key}={written(value, kind)}" for (key, kind), value in found if value is not None]
                if fields:
                    yield f"{start} {','.join(fields)} {at}"


def escaped(text: str) -> str:
    return re.sub("([,= ])", r"\\\1", text)


def written(value: Any, kind: str) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    return f"{round(value)}i" if kind in ("integer", "unsigned") else repr(float(value))
