"""What holds for every import: it can be repeated, Grafana accepts it, and no file ends in a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.importing.__main__ import import_dashboard
from dashboards.importing.conversion import Imported, convert
from dashboards.importing.report import ImportingError
from sandbox.grafana.double.dashboards import check_model
from tests.dashboards.importing.conftest import GOOD, sample, with_panel

ANGULAR = ("graph", "singlestat", "table-old", "grafana-piechart-panel", "grafana-worldmap-panel")
KINDS = (*ANGULAR, "natel-discrete-panel", "heatmap", "timeseries", "stat", "text", "row", "grafana-clock-panel")
KEYS = (
    *("type", "title", "targets", "datasource", "fieldConfig", "options", "links", "legend", "thresholds", "colors"),
    *("styles", "xaxis", "yaxes", "gauge", "panels", "gridPos", "uid", "query", "rawQuery", "name", "url", "tags"),
    *("list", "libraryPanel", "value", "defaults", "overrides", "properties", "id", "valueMaps", "decimals", "alias"),
)
scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([*KINDS, "$x", "[[x]]", "/d/x", "-- Mixed --", "grafana", "influxdb", "cloudwatch", "9" * 400])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)
panels = st.fixed_dictionaries({"type": st.sampled_from(KINDS) | anything}, optional=dict.fromkeys(KEYS[1:], anything))
wholes = st.fixed_dictionaries(
    {"title": st.just("Any"), "panels": st.lists(panels, max_size=3) | anything},
    optional={
        "schemaVersion": st.integers(0, 42) | anything,
        "rows": st.lists(st.fixed_dictionaries({"panels": st.lists(panels, max_size=2)})) | anything,
        **dict.fromkeys(("time", "tags", "links", "annotations", "templating", "__inputs", "__elements"), anything),
    },
)


def same_again(found: Imported) -> None:
    """Check that importing the result gives the same result, and that Grafana would accept it."""
    check_model(found.dashboard)
    again = convert(json.dumps(found.dashboard), "file.json", found.name)
    assert again.dashboard == found.dashboard


@pytest.mark.parametrize("name", GOOD)
def test_an_import_can_be_imported_again(name: str) -> None:
    same_again(convert(json.dumps(sample(name)), "file.json"))


@given(wholes | anything, st.booleans())
def test_any_json_is_an_import_that_can_be_repeated_or_one_line(whole: Any, skip: bool) -> None:
    try:
        found = convert(json.dumps(whole), "file.json", skip=skip)
    except ImportingError as error:
        assert "\n" not in str(error)
        return
    same_again(found)


@given(
    st.binary(max_size=60)
    | st.text(st.characters(codec=None), max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_file_without_a_dashboard_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "file.json"
    path.write_bytes(content)
    with pytest.raises(ImportingError) as refused:
        import_dashboard(str(path), folder=path.parent / "imported")
    assert "\n" not in str(refused.value)


def test_the_description_says_only_once_that_the_dashboard_is_managed() -> None:
    once = convert(json.dumps(with_panel() | {"description": "Mine."}), "file.json")
    same_again(once)
    assert once.dashboard["description"].count("managed by Pulumi") == 1
    assert once.dashboard["description"].startswith("Mine.")
