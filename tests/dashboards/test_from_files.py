"""The folder of imported dashboards, as the program reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.from_files import FOLDER, BrokenFileError, read_all

GOOD: dict[str, Any] = {
    "uid": "mine",
    "title": "Mine",
    "panels": [{"type": "timeseries", "title": "One", "datasource": {"type": "influxdb", "uid": "influxdb"}}],
}


def written(folder: Path, content: Any = GOOD, name: str = "mine") -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{name}.json").write_text(text)
    return folder


def test_a_missing_folder_counts_as_empty(tmp_path: Path) -> None:
    assert read_all(tmp_path / "nothing") == []


def test_the_repository_s_own_folder_can_be_read() -> None:
    assert len(read_all()) == len(list(FOLDER.glob("*.json")))


def test_each_file_is_a_dashboard(tmp_path: Path) -> None:
    written(tmp_path, GOOD | {"id": 4, "version": 7})
    written(tmp_path, GOOD | {"uid": "also", "title": "Also"}, "also")
    (tmp_path / "README.md").write_text("not a dashboard")
    also, mine = read_all(tmp_path)
    assert (also.uid, mine.uid, mine.title) == ("also", "mine", "Mine")
    assert not {"id", "version"} & json.loads(mine.content).keys()


BROKEN: dict[str, tuple[Any, str]] = {
    "no JSON": ('{"uid": "mine",', "is not JSON (line 1"),
    "no object": ("[]", "is not a dashboard but a list"),
    "no number": ('{"uid": "mine", "max": NaN}', "is not JSON (NaN is not a number)"),
    "a number too large": ('{"uid": "mine", "max": 1e400}', "is not JSON (1e400 is too large for a number)"),
    "half of a surrogate pair": ('{"uid": "mine", "title": "cut \\ud83d"}', "contains half a character"),
    "a type that is a list": (GOOD | {"panels": [{"type": ["stat"]}]}, "has a panel of type ['stat']"),
    "no panels": ({"uid": "mine", "title": "x"}, "is not a dashboard with panels"),
    "another uid": (GOOD | {"uid": "other"}, 'has the uid "other"; write mine'),
    "no uid": ({"title": "x", "panels": []}, "has the uid null; write mine"),
    "no title": (GOOD | {"title": " "}, "has no title"),
    "an invisible title": (GOOD | {"title": "\u200b\u2800"}, "has a title of only invisible characters; write one"),
    "a long title": (GOOD | {"title": "x" * 5001}, "has a title of more than 5000 characters"),
    "inputs": (GOOD | {"__inputs": []}, "has datasources that are still to be chosen"),
    "an Angular panel": (GOOD | {"panels": [{"type": "graph"}]}, "has a panel of type graph"),
    "an Angular table": (GOOD | {"panels": [{"type": "table", "styles": []}]}, "has a panel of type table"),
    "a row of a number": (
        GOOD | {"panels": [{"type": "row", "panels": 5}]},
        "has a row whose panels are not a list",
    ),
    "a panel that is a number": (GOOD | {"panels": [5]}, "has a panel that is not an object"),
    "another datasource": (
        GOOD | {"panels": [{"type": "stat", "datasource": {"type": "prometheus", "uid": "p1"}}]},
        "uses the datasource p1",
    ),
    "a title of the program's own dashboards": (GOOD | {"title": "Linux hosts"}, "has the title “Linux hosts”"),
    "too deep": ("[" * 100_000, "is nested too deeply"),
    "too large": (json.dumps(GOOD | {"description": "x" * 1_000_000}), "has more than 1000 kB"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_reported(tmp_path: Path, case: str) -> None:
    content, words = BROKEN[case]
    with pytest.raises(BrokenFileError) as caught:
        read_all(written(tmp_path, content))
    heading, line = str(caught.value).splitlines()
    assert heading == "1 imported dashboard cannot be used; nothing was changed:"
    assert f"{tmp_path.name}/mine.json: {words}" in line


def test_a_folder_or_a_broken_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.json").mkdir()
    (tmp_path / "other.json").symlink_to("nowhere")
    with pytest.raises(BrokenFileError, match=r"mine\.json: cannot be read: Is a directory\n.*other\.json: cannot be"):
        read_all(tmp_path)


@pytest.mark.parametrize("name", ["Mine", "my dashboard", "x" * 41, "linux-hosts"])
def test_a_name_that_cannot_be_a_uid_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(BrokenFileError, match="rename"):
        read_all(written(tmp_path, GOOD | {"uid": name}, name))


def test_all_broken_files_are_reported_together(tmp_path: Path) -> None:
    written(tmp_path, "{", "one")
    written(tmp_path, GOOD)
    written(tmp_path, GOOD | {"uid": "again"}, "again")
    with pytest.raises(BrokenFileError) as caught:
        read_all(tmp_path)
    assert "2 imported dashboards" in str(caught.value)
    assert "one.json: is not JSON" in str(caught.value)
    assert "mine.json: has the title “Mine”, which again.json has" in str(caught.value)
