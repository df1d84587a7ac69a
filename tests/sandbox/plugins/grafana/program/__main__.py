"""A folder, a data source and a rule group with fixed uids, as in the product."""

import json

import pulumi
import pulumiverse_grafana as grafana

config = pulumi.Config()
provider = grafana.Provider(
    "grafana",
    url=config.require("url"),
    auth=config.require("auth"),
    ca_cert=config.require("ca"),
    retry_wait=1,
)
options = pulumi.ResourceOptions(provider=provider, delete_before_replace=True)
folder = grafana.oss.Folder("monitoring", uid="monitoring", title="Monitoring", opts=options)
source = grafana.oss.DataSource(
    "influxdb",
    uid="influxdb",
    name="InfluxDB",
    type="influxdb",
    is_default=True,
    url="https://127.0.0.1:1",
    json_data_encoded='{"dbName":"telegraf"}',
    secure_json_data_encoded='{"password":"geheim"}',
    opts=options,
)
if config.get_bool("rules") is not False:
    query = {"refId": "A", "query": "SELECT 1", "rawQuery": True}
    grafana.alerting.RuleGroup(
        "hosts",
        name="Hosts",
        folder_uid=folder.uid,
        interval_seconds=60,
        rules=[
            grafana.alerting.RuleGroupRuleArgs(
                name="CPU is busy",
                condition="A",
                datas=[
                    grafana.alerting.RuleGroupRuleDataArgs(
                        ref_id="A",
                        datasource_uid="influxdb",
                        model=json.dumps(query),
                        relative_time_range=grafana.alerting.RuleGroupRuleDataRelativeTimeRangeArgs(from_=600, to=0),
                    )
                ],
            )
        ],
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[source])),
    )
