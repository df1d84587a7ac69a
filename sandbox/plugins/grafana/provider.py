"""The provider's settings and what it offers. https://www.pulumi.com/registry/packages/grafana/"""

from __future__ import annotations

import os
from collections.abc import Iterable

from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    ListOf,
    MapOf,
    Properties,
    Provider,
    fields,
)
from sandbox.plugins.grafana import content, datasource
from sandbox.plugins.grafana.alerting import RESOURCES as ALERTING
from sandbox.plugins.grafana.client import RETRY_STATUSES, Grafana, Tls, known

_ENVIRONMENT = {
    "url": "GRAFANA_URL",
    "auth": "GRAFANA_AUTH",
    "caCert": "GRAFANA_CA_CERT",
    "tlsCert": "GRAFANA_TLS_CERT",
    "tlsKey": "GRAFANA_TLS_KEY",
    "insecureSkipVerify": "GRAFANA_INSECURE_SKIP_VERIFY",
    "retries": "GRAFANA_RETRIES",
    "retryWait": "GRAFANA_RETRY_WAIT",
}


class GrafanaProvider(Provider[Grafana]):
    """Grafana (OSS). The settings of Grafana Cloud's services are refused."""

    package, distribution = "grafana", "pulumiverse-grafana"
    config = fields(
        url=Input(TEXT),
        auth=Input(TEXT, secret=True),
        caCert=Input(TEXT),
        tlsCert=Input(TEXT),
        tlsKey=Input(TEXT, secret=True),
        insecureSkipVerify=Input(BOOLEAN),
        httpHeaders=Input(MapOf(TEXT), secret=True),
        orgId=Input(INTEGER),
        retries=Input(INTEGER),
        retryWait=Input(INTEGER),
        retryStatusCodes=Input(ListOf(TEXT, ordered=False)),
        storeDashboardSha256=Input(BOOLEAN),
    )
    resources = (
        content.Folder,
        content.Dashboard,
        datasource.DataSource,
        *ALERTING,
    )

    def check_config(self, config: Properties) -> Iterable[Failure]:
        """Checks that url and auth are set, in the program or in the environment."""
        for name in ("url", "auth"):
            if not self._setting(config, name):
                yield Failure(name, f"Missing: set `{name}` of the provider, or {_ENVIRONMENT[name]}")
        url = self._setting(config, "url")
        if isinstance(url, str) and url and not url.startswith(("http://", "https://")):
            yield Failure("url", f"{url!r} must start with http:// or https://")
        if config.get("storeDashboardSha256"):
            yield Failure("storeDashboardSha256", "The local environment keeps dashboards as JSON: leave it out")

    def configure(self, config: Properties) -> Grafana:
        """Create the client. Settings may be unknown while the server is not up."""
        return Grafana(
            url=known(self._setting(config, "url")),
            auth=known(self._setting(config, "auth")),
            tls=Tls(
                known(self._setting(config, "caCert")) or "",
                known(self._setting(config, "tlsCert")) or "",
                known(self._setting(config, "tlsKey")) or "",
                verify=known(self._setting(config, "insecureSkipVerify")) not in ("True", "true", "1"),
            ),
            headers={} if config.get("httpHeaders") is UNKNOWN else config.get("httpHeaders") or {},
            retries=int(known(self._setting(config, "retries")) or 3),
            retry_wait=float(known(self._setting(config, "retryWait")) or 0),
            retry_statuses=self._retry_statuses(config),
        )

    @staticmethod
    def _retry_statuses(config: Properties) -> tuple[str, ...]:
        listed = os.environ.get("GRAFANA_RETRY_STATUS_CODES")
        return tuple(config.get("retryStatusCodes") or (listed.split(",") if listed else RETRY_STATUSES))

    @staticmethod
    def _setting(config: Properties, name: str) -> object:
        value = config.get(name)
        return os.environ.get(_ENVIRONMENT[name]) if value in (None, "") else value
