"""The command `import-dashboard`: where it reads and writes, and what it reports."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.from_files import read_all
from dashboards.importing.__main__ import import_dashboard, main
from dashboards.importing.report import ImportingError
from tests.dashboards.importing.conftest import GOOD, SAMPLES, with_panel
from tests.support.serving import serving

HOSTS = str(SAMPLES / "telegraf-rows.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of imported dashboards, which does not exist yet."""
    found = tmp_path / "dashboards" / "imported"
    found.parent.mkdir()
    return found


@pytest.fixture
def site() -> Iterator[str]:
    """A web server that answers like grafana.com: dashboard 928 exists, 500 is an error, no other exists."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/api/dashboards/928/revisions/latest/download"
            self.send_response(200 if known else 500 if "/500/" in self.path else 404)
            self.end_headers()
            self.wfile.write(Path(HOSTS).read_bytes() if known else b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("name", GOOD)
def test_the_program_can_read_an_imported_dashboard(folder: Path, name: str) -> None:
    reported = import_dashboard(str(SAMPLES / f"{name}.json"), folder=folder)
    (file,) = read_all(folder)
    assert f"as dashboards/imported/{file.uid}.json; its address will be /d/{file.uid}" in reported
    assert "pulumi up" in reported
    assert (folder / f"{file.uid}.json").read_text().startswith('{\n  "uid": ')


def test_the_report_lists_what_was_changed(folder: Path) -> None:
    reported = import_dashboard(HOSTS, folder=folder)
    assert "  - converted a panel graph to timeseries (3×)\n" in reported
    assert "  - laid the panels of 3 old-style rows out on the grid\n" in reported
    assert "Please check:\n  ! no agent measures netstat" in reported


def test_a_title_cannot_contain_terminal_control_sequences(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(with_panel(type="graph") | {"title": "One\x1b[2J\n- two"}))
    reported = import_dashboard(str(tmp_path / "x.json"), folder=folder)
    assert "\x1b" not in reported
    assert reported.splitlines()[0].startswith("Imported “One [2J - two” as")


def test_importing_the_same_again_changes_nothing(folder: Path) -> None:
    import_dashboard(HOSTS, folder=folder)
    assert "is unchanged" in import_dashboard(HOSTS, folder=folder)


def test_a_different_file_is_overwritten_only_with_force(folder: Path) -> None:
    import_dashboard(HOSTS, "mine", folder=folder)
    other = str(SAMPLES / "of-2015.json")
    before = (folder / "mine.json").read_text()
    with pytest.raises(ImportingError, match=r"already exists and differs: .*FORCE=1"):
        import_dashboard(other, "mine", folder=folder)
    assert (folder / "mine.json").read_text() == before
    import_dashboard(other, "mine", force=True, folder=folder)
    assert (folder / "mine.json").read_text() != before


def test_two_dashboards_with_the_same_title_can_be_told_apart(folder: Path) -> None:
    import_dashboard(HOSTS, folder=folder)
    import_dashboard(HOSTS, "second", folder=folder)
    assert {file.title for file in read_all(folder)} == {"Telegraf: hosts by rows", "Telegraf: hosts by rows (second)"}


def test_a_dashboard_is_downloaded_by_its_id(folder: Path, site: str) -> None:
    assert "telegraf-hosts-by-rows.json" in import_dashboard("928", folder=folder, site=site)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("927", "grafana.com has no dashboard 927"), ("500", "grafana.com answered 500 .* FROM=path/to/the/file.json")],
)
def test_a_failed_download_is_reported(folder: Path, site: str, wanted: str, words: str) -> None:
    with pytest.raises(ImportingError, match=words):
        import_dashboard(wanted, folder=folder, site=site)
    assert not folder.exists()


def test_without_a_network_the_error_says_what_to_do(folder: Path) -> None:
    with pytest.raises(ImportingError) as caught:
        import_dashboard("928", folder=folder, site="http://127.0.0.1:9")
    assert "grafana.com cannot be reached from here" in str(caught.value)
    assert "FROM=path/to/the/file.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wanted", ["", "nowhere.json", str(SAMPLES)])
def test_wrong_input_is_one_line_and_exit_status_1(wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--", wanted]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert wanted in line and "Traceback" not in line


def test_a_file_that_is_not_text_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(ImportingError, match="is not text"):
        import_dashboard(str(tmp_path / "picture.json"), folder=folder)


def test_a_dashboard_too_large_for_the_state_is_refused(folder: Path, tmp_path: Path) -> None:
    large = with_panel(description="x" * 1_100_000)
    (tmp_path / "large.json").write_text(json.dumps(large))
    with pytest.raises(ImportingError, match="more than 1000 kB"):
        import_dashboard(str(tmp_path / "large.json"), folder=folder)
