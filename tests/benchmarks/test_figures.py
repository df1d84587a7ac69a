"""Percentiles, and how many hosts a type of server can handle."""

from __future__ import annotations

import pytest

from benchmarks.load.figures import MIB, Cost, Kind, limits, percentile

KIND = Kind("x", memory=1000 * MIB, cores=0.5)
VOLUME, RETENTION = 2150 * MIB, 9
COST = Cost(memory_alone=250 * MIB, memory=2 * MIB, cores_alone=0.1, cores=0.001, disk=1 * MIB)


@pytest.mark.parametrize(("percent", "expected"), [(50, 3), (95, 5), (100, 5), (20, 1), (21, 2), (0, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([5, 1, 4, 2, 3], percent) == expected


def test_an_empty_list_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_scarcest_resource_comes_first() -> None:
    found = limits(KIND, COST, VOLUME, RETENTION)
    # Half of 2150 MiB for ten days of 1 MiB and 115 of a tenth; 0.4 cores left; 85 % of 1000 MiB less 250.
    assert [(each.resource, each.hosts) for each in found] == [("disk", 50), ("memory", 300), ("CPU", 400)]
    assert found[0].sum == "1075 MiB / (1.00 MiB per day x 21.5 days)"


def test_twice_the_cost_of_a_host_is_half_the_hosts() -> None:
    costly = Cost(COST.memory_alone, 2 * COST.memory, COST.cores_alone, 2 * COST.cores, 2 * COST.disk)
    assert {each.resource: 2 * each.hosts for each in limits(KIND, costly, VOLUME, RETENTION)} == {
        each.resource: each.hosts for each in limits(KIND, COST, VOLUME, RETENTION)
    }


def test_a_server_that_is_full_without_any_host_carries_none() -> None:
    full = Cost(2 * KIND.memory, COST.memory, 2 * KIND.cores, COST.cores, COST.disk)
    assert {each.resource: each.hosts for each in limits(KIND, full, VOLUME, RETENTION)} == {
        "memory": 0,
        "CPU": 0,
        "disk": 50,
    }
