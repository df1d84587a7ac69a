"""The InfluxDB that AWS runs for a stack: Amazon Timestream for InfluxDB.

docs.aws.amazon.com/ts-influxdb/latest/ts-influxdb-api/API_CreateDbInstance.html
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from settings import aws_names
from settings import values as v
from settings.mistakes import WrongValueError
from settings.moving import Own
from settings.part import Part

INSTANCE_TYPES = tuple(
    f"db.influx.{size}"
    for size in ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
)
"""The types that the provider's documentation lists (pulumi.com/registry/packages/aws/api-docs/timestreaminfluxdb/
dbinstance). Sizes: docs.aws.amazon.com/timestream/latest/developerguide, timestream-for-influx-dbi-class-types.html."""


def _kind(value: Any) -> Any:
    if value != "timestream":
        raise WrongValueError("is not a database that AWS runs for this program", "write timestream")
    return value


def _instance_type(value: Any) -> str:
    if value not in INSTANCE_TYPES:
        raise WrongValueError(
            "is not an instance type of Timestream for InfluxDB", f"write {', '.join(INSTANCE_TYPES)}"
        )
    return str(value)


class Database(Part):
    """An instance of Timestream for InfluxDB, instead of the server's own InfluxDB.

    storage: GiB, of the kind with 3,000 IOPS (InfluxIOIncludedT1). multi_az: whether a second instance in another zone
    takes over. public: whether it can be reached from outside the VPC. standby_subnet_id: the second instance's subnet,
    if the setting `subnetId` is given. own: set while the stack moves to or from it.
    """

    kind: Annotated[Literal["timestream"], BeforeValidator(_kind)]
    instance_type: Annotated[str, BeforeValidator(_instance_type)] = "db.influx.medium"
    storage: Annotated[int, v.whole(20, 15360, "GiB")] = 20
    multi_az: v.Flag = False
    public: v.Flag = False
    standby_subnet_id: aws_names.SubnetId | None = None
    own: Own | None = None
