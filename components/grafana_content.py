"""What Grafana shows: its datasources, a folder, the dashboards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumiverse_grafana as grafana

from components.alerting import Alerting
from components.data_volume import DataVolume
from components.network import GRAFANA_PORT
from components.passwords import Account
from program import accounts
from program.boards import CLOUDWATCH_UID, INFLUXDB_UID, Board
from program.influx import Influx
from settings import CloudwatchAccount, Settings

FOLDER_UID = "monitoring"


@dataclass(frozen=True)
class AccessKey:
    """An IAM user's access key."""

    id: pulumi.Output[str]
    secret: pulumi.Output[str]


@dataclass(frozen=True)
class Login:
    """How the provider reaches Grafana, and as whom. host: the name its certificate is for. ca: PEM of a private
    signer, else None."""

    host: pulumi.Input[str]
    account: Account
    ca: pulumi.Output[str] | None


class GrafanaContent(pulumi.ComponentResource):
    """Grafana's content, with uids that never change.

    Produces: a provider, the InfluxDB datasource (default), the CloudWatch datasource (with the access key or, if there
    is none, with credentials that the server keeps for it), another one for each other account, the folder
    "Monitoring", the dashboards, the alert rules and who receives them.

    All but the provider wait for `ready`, and are deleted with `lies_on`, the volume with Grafana's database: a destroy
    does not contact a Grafana that no longer exists. They are not deleted with the instance: since 3.260 the engine
    recreates what is deleted with a resource that it replaces (pkg/resource/deploy, calculateDependentReplacements),
    but a new server finds all of it on the volume.

    Attributes: sources: the datasources.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        boards: Sequence[Board],
        login: Login,
        influx: Influx,
        *,
        key: AccessKey | None,
        lies_on: DataVolume,
        ready: pulumi.Resource,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:GrafanaContent", name, None, opts)
        provider = grafana.Provider(
            name,
            url=pulumi.Output.format("https://{0}:{1}", login.host, GRAFANA_PORT),
            auth=pulumi.Output.concat(login.account.login, ":", login.account.password),
            ca_cert=login.ca,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # A fixed uid is in use until its holder is deleted, so a replacement deletes first.
        self._child = pulumi.ResourceOptions(
            parent=self,
            provider=provider,
            depends_on=[ready],
            deleted_with=lies_on.volume,
            delete_before_replace=True,
        )
        own = {"defaultRegion": settings.shown_region}
        self.sources: list[pulumi.Resource] = [
            self._influxdb(settings, influx),
            self._cloudwatch(CLOUDWATCH_UID, "CloudWatch", own, key),
            *(self._account(settings, account, key) for account in settings.cloudwatch_accounts),
        ]
        folder = grafana.oss.Folder(name, uid=FOLDER_UID, title="Monitoring", opts=self._child)
        for board in boards:
            grafana.oss.Dashboard(
                board.uid,
                folder=folder.uid,
                config_json=board.content,
                message="by Pulumi",
                # The uids belong to this program; a killed update can have left one that Pulumi does not know about.
                overwrite=True,
                opts=self._child,
            )
        Alerting(
            "alerting",
            settings=settings,
            folder=folder.uid,
            # Rules refer to datasources by uid, so the engine does not see that they depend on them.
            child=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=self.sources)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _influxdb(self, settings: Settings, influx: Influx) -> grafana.oss.DataSource:
        """grafana.com/docs/grafana/latest/datasources/influxdb/configure: InfluxQL, database in
        jsonData.dbName."""
        options = {
            "dbName": influx.database,
            "httpMethod": "POST",
            "version": "InfluxQL",
            "timeInterval": settings.collection_interval,
            "tlsAuthWithCACert": influx.ca is not None,
        }
        secrets = pulumi.Output.all(influx.reader_password, influx.ca or "").apply(
            lambda known: json.dumps({"password": known[0], **({"tlsCACert": known[1]} if known[1] else {})})
        )
        return grafana.oss.DataSource(
            INFLUXDB_UID,
            uid=INFLUXDB_UID,
            name="InfluxDB",
            type="influxdb",
            is_default=True,
            url=influx.local_url,
            database_name=influx.database,
            username=influx.reader,
            json_data_encoded=json.dumps(options),
            secure_json_data_encoded=secrets,
            opts=self._child,
        )

    def _account(self, settings: Settings, account: CloudwatchAccount, key: AccessKey | None) -> grafana.oss.DataSource:
        """CloudWatch of another account: the same identity, which assumes a role there. Grafana lets datasources do
        that unless `assume_role_enabled` in its section [aws] forbids it
        (grafana.com/docs/grafana/latest/datasources/aws-cloudwatch/aws-authentication)."""
        options = {"assumeRoleArn": account.role_arn, "defaultRegion": accounts.region(settings, account)}
        if account.external_id:
            options["externalId"] = account.external_id
        return self._cloudwatch(accounts.uid(account), f"CloudWatch {account.name}", options, key)

    def _cloudwatch(
        self, uid: str, name: str, options: dict[str, str], key: AccessKey | None
    ) -> grafana.oss.DataSource:
        """grafana.com/docs/grafana/latest/datasources/aws-cloudwatch: authType keys, or credentials for the profile
        that the server keeps (userdata/server/cloudwatch.sh)."""
        secrets = pulumi.Output.json_dumps({"accessKey": key.id, "secretKey": key.secret}) if key else None
        auth = {"authType": "keys"} if key else {"authType": "credentials", "profile": "cloudwatch"}
        return grafana.oss.DataSource(
            uid,
            uid=uid,
            name=name,
            type="cloudwatch",
            json_data_encoded=json.dumps({**auth, **options}),
            secure_json_data_encoded=secrets,
            opts=self._child,
        )
