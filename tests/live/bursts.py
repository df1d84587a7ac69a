"""A client that writes to InfluxDB without a pause, and remembers what InfluxDB acknowledged."""

from __future__ import annotations

import threading
import time
from types import TracebackType

import requests

from tests.live.environment import Environment
from tests.live.services import Ask, from_agent_machine, influxdb_login

EACH = 200
"""Points per request."""
LONGEST = 100_000
"""The most requests in one burst."""


class Burst:
    """Sends request after request within its context, from an agent's machine as the user `telegraf`, each with EACH
    points of the measurement `burst`. Requests that are refused or not answered are not repeated.

    acknowledged: numbers of the requests answered with 204. refused: number of each other request → why.
    """

    def __init__(self, environment: Environment, passwords: dict[str, str]) -> None:
        self._environment = environment
        self._url = f"{environment.outputs['influxdbUrl']}/write?db=telegraf&precision=ms"
        self._session = requests.Session()
        self._session.auth = influxdb_login(environment, "telegraf", passwords["telegraf"])
        self._session.trust_env = False
        self._session.verify = str(environment.grafana.ca_file)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._began = int(time.time() * 1000)
        self.name = f"burst-{self._began}"
        self.acknowledged: set[int] = set()
        self.refused: dict[int, str] = {}

    def _write(self) -> None:
        with from_agent_machine(self._environment):
            self._write_until_the_end()

    def _write_until_the_end(self) -> None:
        number = 0
        while not self._end.is_set() and number < LONGEST:
            lines = "\n".join(
                f"burst,name={self.name},point={point} request={number}i {self._began + number}"
                for point in range(EACH)
            )
            try:
                answer = self._session.post(self._url, data=lines, timeout=5)
                if answer.status_code == requests.codes.no_content:
                    self.acknowledged.add(number)
                else:
                    self.refused[number] = f"{answer.status_code} {answer.text[:200]}"
            except requests.RequestException as error:
                self.refused[number] = type(error).__name__
            if number in self.refused:
                self._end.wait(0.2)
            number += 1

    def __enter__(self) -> Burst:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def lost(self, influxdb: Ask) -> set[int]:
        """Acknowledged requests of which InfluxDB does not have every point."""
        query = (
            f'SELECT count("request") FROM "burst" WHERE "name" = \'{self.name}\' AND time >= {self._began}ms'  # noqa: S608
            f" AND time < {self._began + LONGEST}ms GROUP BY time(1ms) fill(none)"
        )
        answer = influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": query, "epoch": "ms"}).json()
        series = answer["results"][0].get("series", [{"values": []}])
        return self.acknowledged - {moment - self._began for moment, count in series[0]["values"] if count == EACH}


def forget(influxdb: Ask) -> None:
    """Delete what bursts wrote."""
    influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": 'DROP MEASUREMENT "burst"'})
