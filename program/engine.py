"""At each preview, checks that the stack can use the InfluxDB in the settings: login, database, permissions, and every
query of the dashboards and alert rules.

Nothing is written: InfluxDB 1.x (services/httpd/handler.go, serveWrite) and 2.x (http/legacy/write_handler.go) check
the login, the database and the write permission before they read a request's body, which is empty here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pulumi
import urllib3

from program.boards import Board
from program.queries import Asked, asked, plain
from program.trust import basic, trusting
from settings import ExternalInfluxdb, Settings

SECONDS = 5.0
"""For the connection, and for each answer."""

MOST_NAMED = 5
"""Queries that a message names; further ones are counted."""

LONGEST_REASON = 200

NOT_EXECUTED = "not executed"
"""InfluxDB's error for statements after one that failed (query.ErrNotExecuted)."""

OPENGEMINI = "X-Geminidb-Version"
"""openGemini's header, instead of X-Influxdb-Version (its lib/util/lifted/influx/httpd/handler.go)."""

READ = 'SELECT last("uptime") FROM "system" WHERE time > now() - 1s'
"""Sent twice in one request: without read permission, 2.x returns no error for a single query, and NOT_EXECUTED for the
first of several."""


class _UnreachableError(Exception):
    """The InfluxDB cannot be reached from where Pulumi runs."""


def verify(settings: Settings, boards: Sequence[Board]) -> None:
    """Raise pulumi.RunError if the InfluxDB in the settings refuses the login, the database or a permission; warn
    about queries that it cannot run, and if it cannot be reached from here. Without such an InfluxDB, do nothing."""
    if settings.influxdb is None:
        return
    engine = _Engine(settings.influxdb)
    try:
        engine.check_access()
        queries = asked(settings, boards)
        failed = engine.failures(queries)
    except _UnreachableError as error:
        pulumi.log.warn(
            f"monitoring:influxdb.url: {engine.url} cannot be reached from here ({error}), so whether it can run the "
            "dashboards' queries is unknown until `pulumi up` ends"
        )
        return
    if failed:
        pulumi.log.warn(_report(engine, failed, len(queries)))


def _report(engine: _Engine, failed: Mapping[str, str], total: int) -> str:
    named = [f"{where} ({reason})" for where, reason in list(failed.items())[:MOST_NAMED]]
    more = f"; and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    return (
        f"monitoring:influxdb.url: {engine.name} cannot run all of the {total} queries, so these stay empty or fail: "
        f"{'; '.join(named)}{more}"
    )


@dataclass(frozen=True)
class _Answer:
    """A response: the status, and the body's JSON ({} if it is not JSON)."""

    status: int
    content: Mapping[str, Any]

    @property
    def message(self) -> str:
        """Why it refused, in its own words: `error` of 1.x, `message` of 2.x."""
        words = self.content.get("error") or self.content.get("message") or f"status {self.status}"
        return " ".join(str(words).split())[:LONGEST_REASON]

    @property
    def results(self) -> list[Mapping[str, Any]] | None:
        """One result for each statement; None if the whole request was refused."""
        found = self.content.get("results")
        return found if isinstance(found, list) and found else None


class _Engine:
    """An InfluxDB that speaks InfluxQL over HTTPS."""

    def __init__(self, given: ExternalInfluxdb) -> None:
        self.url = given.url
        self._given = given
        self._version = ""
        self._opengemini = False
        self._pool = urllib3.PoolManager(
            ssl_context=trusting(given.ca),
            headers={"Authorization": basic(given.username, given.password.get_secret_value())},
            timeout=SECONDS,
            retries=False,
        )

    @property
    def name(self) -> str:
        """Its name and version, if known, and its address."""
        return f"InfluxDB {self._version} at {self.url}" if self._version else self.url

    def check_access(self) -> None:
        """Raise pulumi.RunError for a refused login, database or permission."""
        database = self._given.database
        written = self._send("write", {"db": database})
        if self._opengemini:
            what = "is openGemini, whose results for the dashboards' and alert rules' queries differ from InfluxDB's"
            raise self._wrong("url", what, "write the address of an InfluxDB 1.x or 2.x (docs/influxdb.md)", written)
        if self._version and not re.match("[12][.]", self._version):
            pulumi.log.warn(
                f"monitoring:influxdb.url: {self.name} has not been tested; 1.x and 2.x have (docs/influxdb.md)"
            )
        named = re.search(r"database|dbrp|bucket", written.message)
        if written.status == 401:
            raise self._wrong("username", "is refused with this password", "write a user of that server", written)
        if written.status == 403:
            raise self._wrong("username", f"may not write to {database}", f"let it read and write {database}", written)
        if written.status == 404 and named:
            instead = "create it there; InfluxDB 2.x needs a mapping to a bucket: influx v1 dbrp create"
            raise self._wrong("database", "does not exist there", instead, written)
        if written.status not in (204, 400):
            raise self._wrong("url", "does not answer like InfluxDB", "write the address of its HTTP API", written)
        unread = next(filter(None, self._errors([READ, READ])), "")
        if re.search(f"authoriz|permission|forbidden|{NOT_EXECUTED}", unread, re.IGNORECASE):
            what = f"may not read {database} ({unread})"
            raise pulumi.RunError(f"monitoring:influxdb.username: {what}; let it read and write {database}")

    def _wrong(self, key: str, what: str, instead: str, answer: _Answer) -> pulumi.RunError:
        value = getattr(self._given, key)
        return pulumi.RunError(
            f"monitoring:influxdb.{key} = {json.dumps(value)}: {what} ({self.name}: {answer.message}); {instead}"
        )

    def failures(self, queries: Sequence[Asked]) -> dict[str, str]:
        """The first error of each panel or rule with a query that this engine cannot run."""
        errors = self._errors([plain(query.statement) for query in queries])
        found: dict[str, str] = {}
        for query, error in zip(queries, errors, strict=True):
            if error:
                found.setdefault(query.where, error)
        return found

    def _errors(self, statements: Sequence[str]) -> list[str | None]:
        """The error of each statement; None for one that works.

        A request is answered up to the first statement that fails, and refused as a whole if one cannot be parsed: then
        each is sent alone."""
        errors: list[str | None] = []
        while rest := statements[len(errors) :]:
            answer = self._send("query", {"db": self._given.database, "q": "; ".join(rest)})
            if answer.results is None and len(rest) > 1:
                return [*errors, *(error for statement in rest for error in self._errors([statement]))]
            for number, result in enumerate(answer.results or [{"error": answer.message}]):
                error = result.get("error")
                if error == NOT_EXECUTED and number:
                    break
                errors.append(str(error)[:LONGEST_REASON] if error else None)
        return errors

    def _send(self, path: str, fields: Mapping[str, str]) -> _Answer:
        """POST the fields: in the body of a query, and in the address of a write, whose body is empty."""
        try:
            address = f"{self.url}/{path}"
            if path == "write":
                got = self._pool.request("POST", f"{address}?{urlencode(fields)}", body=b"")
            else:
                got = self._pool.request("POST", address, fields=fields, encode_multipart=False)
        except urllib3.exceptions.HTTPError as error:
            if "certificate verify failed" in str(error):
                what, instead = "has a certificate that is not trusted", "write the PEM of its CA as influxdb.ca"
                raise pulumi.RunError(
                    f"monitoring:influxdb.url = {json.dumps(self.url)}: {what} ({_reason(error)}); {instead}"
                ) from None
            raise _UnreachableError(_reason(error)) from None
        self._opengemini = OPENGEMINI in got.headers
        self._version = got.headers.get("X-Influxdb-Version", self._version).removeprefix("v")
        try:
            content = got.json() if got.data else {}
        except ValueError:
            content = {}
        return _Answer(got.status, content if isinstance(content, dict) else {})


def _reason(error: Exception) -> str:
    """The last part of a library's error, without the objects that it names."""
    words = re.sub(r"\s*\(_ssl\.c:\d+\)", "", str(error)).rpartition(": ")[2].strip("()'. ")
    return words[:LONGEST_REASON] or type(error).__name__
