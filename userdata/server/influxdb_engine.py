# A client for InfluxDB, for influxdb-rollup and, while the stack moves, influxdb-moving. Installed as
# /etc/monitoring/influxdb_engine.py.
import base64
import json
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from io import BufferedReader
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


# InfluxDB cannot run a query; the message is its own
class RefusedError(OSError):
    pass


class Engine:
    # login: name and password
    def __init__(self, url: str, database: str, ca: str, login: list[str]) -> None:
        self.url, self.database, self.login = url, database, header(login)
        self.trust = ssl.create_default_context(cafile=ca or None)
        # Since 3.13 Python rejects CAs without extensions that Telegraf and Grafana do not require.
        self.trust.verify_flags &= ~ssl.VERIFY_X509_STRICT

    # The fields are the body, or part of the address if there are lines to write. Raises OSError.
    def post(self, path: str, login: str = "", lines: str | None = None, **fields: str) -> Any:
        asked = urlencode({"db": self.database, **fields})
        path, body = (path, asked) if lines is None else (f"{path}?{asked}", lines)
        request = Request(f"{self.url}/{path}", body.encode(), {"Authorization": login or self.login})
        try:
            return urlopen(request, timeout=600, context=self.trust)
        except HTTPError as error:
            said = error.read()[:300].decode(errors="replace").strip()
            raise OSError(error.code, f"{self.url}: {said}") from None
        except HTTPException:
            raise OSError(f"{self.url}: its answer breaks off") from None

    # The series of an answer, as they arrive. epoch: the unit of their times
    def ask(self, query: str, login: str = "", epoch: str = "ns") -> Iterator[dict[str, Any]]:
        with self.post("query", login, q=query, epoch=epoch, chunked="true") as answer:
            try:
                # HTTPResponse's own lines end without an error when the connection ends between two chunks.
                for line in BufferedReader(answer):
                    (result,) = json.loads(line)["results"]
                    if "error" in result:
                        raise RefusedError(f"{self.url}: {result['error']}: {query[:200]}")
                    yield from result.get("series", [])
            except (HTTPException, ValueError, TypeError, KeyError):
                raise OSError(f"{self.url}: its answer breaks off, or is not InfluxDB's") from None


def header(login: list[str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


# A name to be put between double quotes in InfluxQL
def quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
