"""AWS's list prices, as tools/prices.toml has them: exact decimal numbers, in US dollars."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "prices.toml"
HOME = "us-east-1"
"""The region whose prices stand in for a continent without any."""
CONTINENT = 3
"""Letters of a region's name that identify its continent, such as `eu-`."""


@dataclass(frozen=True)
class Prices:
    """The prices of one region.

    asked: the region that was asked for. region: the one whose prices these are, if none are known for `asked` (see
    `note`).
    """

    asked: str
    region: str
    as_of: date
    hours: Decimal
    gp3_gib_month: Decimal
    s3_gib_month: Decimal
    egress_gb: Decimal
    everywhere: Mapping[str, Any]
    instances: Mapping[str, Mapping[str, Decimal]]

    @property
    def note(self) -> str:
        """A warning if these are another region's prices; otherwise empty."""
        if self.asked == self.region:
            return ""
        return (
            f"No prices are known for {self.asked}: these are for {self.region}, the nearest region with known prices, "
            "and will differ. Add the right ones to tools/prices.toml."
        )

    def instance_hour(self, instance_type: str) -> Decimal | None:
        """The price of an hour of the instance type; None if it is not known."""
        family, _, size = instance_type.partition(".")
        return self.instances.get(family, {}).get(size)

    def cpu_credit_hour(self, instance_type: str) -> Decimal | None:
        """The price of a vCPU-hour above the baseline; None for a type without one."""
        known: Mapping[str, Decimal] = self.everywhere["cpu_credit_hour"]
        return known.get(instance_type.partition(".")[0])


@lru_cache(maxsize=1)
def _read() -> Mapping[str, Any]:
    content: Mapping[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    return content


def known() -> list[str]:
    """The regions that have prices."""
    return sorted(_read()["regions"])


def nearest(region: str) -> str:
    """The region whose prices are used: itself, or the one on its continent with the most similar name."""
    if region in known():
        return region
    close = max(known(), key=lambda each: (_in_common(each, region), each == HOME))
    return close if close[:CONTINENT] == region[:CONTINENT] else HOME


def _in_common(one: str, other: str) -> int:
    """How many letters both names begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def of(region: str) -> Prices:
    """The prices for a region."""
    content = _read()
    name = nearest(region)
    found = content["regions"][name]
    found = content["regions"][found["same_as"]] if "same_as" in found else found
    return Prices(
        asked=region,
        region=name,
        as_of=content["date"],
        hours=Decimal(content["hours_a_month"]),
        gp3_gib_month=found["gp3_gib_month"],
        s3_gib_month=found["s3_gib_month"],
        egress_gb=found["egress_gb"],
        everywhere=content["everywhere"],
        instances=found["instances"],
    )
