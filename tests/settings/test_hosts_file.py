"""A file of hosts (`hostsFile`): checked like the setting `hosts`; mistakes name the file, the line and the key."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from settings import Settings, SettingsError, load
from tests.support.certificates import KEY
from tests.support.configuration import HOST, REQUIRED, raw

SAMPLES = Path(__file__).parent / "samples"
ENTRY = f"address: 198.51.100.9\n  user: admin\n  hostKey: {HOST['hostKey']}\n"
ROW = f"admin,{HOST['hostKey']}"
BOMB = "- &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
"""Aliases of aliases: 900 characters that expand to four billion."""


def with_file(path: Path | str, *, key: str | None = None, hosts: list[dict[str, Any]] | None = None) -> Settings:
    """The settings of a stack with such a file. key: the private key for its hosts. hosts: the setting `hosts`."""
    file = {"path": str(path)} | ({"privateKey": key} if key else {})
    return load(raw(hostsFile=file, hosts=hosts or []), ("monitoring:hostsFile", "monitoring:hosts"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test in an empty folder, as Pulumi runs the program in its project's."""
    monkeypatch.chdir(tmp_path)


def refused(path: str, text: str | bytes, **more: Any) -> list[str]:
    """The mistakes that are reported for a stack with a file of this text."""
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as error:
        with_file(path, **more)
    return [str(mistake) for mistake in error.value.mistakes]


def test_yaml_and_csv_files_add_hosts_after_those_of_the_setting() -> None:
    own = [HOST | {"name": "own-1", "privateKey": KEY}]
    found = with_file(SAMPLES / "hosts.yaml", hosts=own).hosts
    assert [host.name for host in found] == ["own-1", "shop-1", "shop-2"]
    assert found[1].tags == {"role": "web"}
    assert found[2].inputs.nginx
    rows = with_file(SAMPLES / "hosts.csv").hosts
    assert [(host.name, host.port, host.unreachable) for host in rows] == [
        ("office-1", 22, False),
        ("office-2", 2222, True),
    ]
    assert [host.tags for host in rows] == [{"role": "db", "site": "berlin"}, {}]


def test_the_file_s_private_key_is_only_for_its_hosts() -> None:
    own = [HOST | {"name": "own-1"}]
    found = with_file(SAMPLES / "hosts.yaml", key=KEY, hosts=own).hosts
    assert len(found) == 3
    assert found[0].private_key is None
    assert all(host.private_key and host.private_key.get_secret_value() == KEY for host in found[1:])


def test_a_mistake_names_file_line_and_key() -> None:
    file = "hosts.yaml"
    text = f"# ours\n- name: web-1\n  {ENTRY}- name: web 2\n  {ENTRY.replace('.9', '.10')}  prot: 22\n"
    assert refused(file, text) == [
        f'{file}, line 6: name = "web 2": is not a valid host name;'
        " use up to 63 letters, digits, dots, dashes and underscores, such as web-1",
        f"{file}, line 6: prot: is not a setting; did you mean port?",
    ]
    table = "hosts.csv"
    head = "name,address,user,hostKey\n"
    assert refused(table, f'\n,\n{head}\nweb-1,"127.0.0.1",{ROW}\n') == [
        f'{table}, line 5: address = "127.0.0.1": is loopback, where every machine reaches itself;'
        " write the address at which other machines reach it"
    ]


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [("WEB-1", "name", "is also the name of an earlier host"), ("web-9", "address", "is also the address of an")],
)
def test_a_host_of_the_setting_cannot_be_in_the_file_too(name: str, key: str, wrong: str) -> None:
    address = "198.51.100.9" if key == "name" else HOST["address"]
    text = f"- name: {name}\n  {ENTRY.replace('198.51.100.9', address)}"
    (line,) = refused("hosts.yaml", text, hosts=[HOST])
    assert f"hosts.yaml, line 1: {key}" in line
    assert wrong in line


@pytest.mark.parametrize(
    ("more", "key", "instead"),
    [
        ("privateKey: s3cr3t", "privateKey", "pulumi config set --secret --path 'monitoring:hostsFile.privateKey'"),
        ("inputs: { redis: { password: s3cr3t } }", "inputs.redis.password", "into the setting hosts"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(more: str, key: str, instead: str) -> None:
    lines = refused("hosts.yaml", f"- name: web-1\n  {ENTRY}  {more}\n")
    assert any(f"line 1: {key} = (secret): is a secret" in line and instead in line for line in lines), lines
    assert not any("s3cr3t" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a.yaml", "", "lists no hosts"),
        ("a.yaml", "[]", "lists no hosts"),
        ("a.csv", "name,address,user,hostKey\n", "lists no hosts"),
        ("a.yaml", "hosts: []", "is not a list of hosts"),
        ("a.yaml", "- name: [\n", "is not valid YAML at line 2"),
        ("a.yaml", "- a: 1\n---\n- b: 2\n", "is not valid YAML"),
        ("a.yaml", "- !!python/object/apply:os.system [id]\n", "is not valid YAML"),
        ("a.yaml", "- " + "[" * 5000, "is not valid YAML|too many levels"),
        ("a.yaml", "- name: x\n  tags: {a: b,\n    a: c}\n", 'has "a" twice, again at line 3'),
        ("a.yaml", "[" * 100_000, "has too many levels"),
        ("a.yaml", BOMB, "repeats aliases of aliases"),
        ("a.yaml", "- &a [*a]\n", "repeats aliases of aliases"),
        ("a.yaml", "- name: &a " + "x" * 900_000 + "\n  tags: [*a, *a, *a, *a]\n", "repeats aliases of aliases"),
        *(
            ("a.yaml", f"- name: web-1\n- port: {value}\n", "has a value at line 2 that is not of its type")
            for value in ("!!int x", "!!float x", "!!float ''", "!!bool x", "!!timestamp x", "9" * 5000)
        ),
        ("a.yaml", '- name: "\\U00110000"\n', "has a character that does not exist"),
        *(
            ("a.yaml", f"- name: x\n  tags: {{ {key}: b }}\n", "has a key at line 2 that is not text")
            for key in ("1", "~", "true", "? [a]")
        ),
        ("a.yaml", "- {hunter2: 1, hunter2: 2}", "has (secret) twice, again at line 1"),
        ("a.csv", "hunter2,x\n", "has the column (secret) in its first line"),
        *(
            ("a.yaml", f"- name: web-1\n  {key}: {number}\n", "has a value at line 2 that is not of its type")
            for key in ("port", "hostKey")
            for number in ("0x" + "f" * 6000, "0o" + "7" * 6000, "9" * 6000)
        ),
        ("a.csv", ",".join(f"tags.t{n % 60_000}" for n in range(60_001)), "has the column (secret) twice"),
        ("a.yaml", b"- name: \xff\n", "is not UTF-8"),
        ("a.yaml", "#" * 1_000_001, "is larger than 1 MB"),
        ("a.csv", "name;address\nx;y\n", 'has the column "name;address" in its first line'),
        ("a.csv", "name,privateKey\nx,y\n", 'has the column "privateKey" in its first line'),
        ("a.csv", "name,name\nx,y\n", 'has the column "name" twice'),
        ("a.csv", "name,address\nx,y,z\n", "has 3 columns instead of 2 at line 2"),
        ("a.csv", 'name,address\nx,"y"z\n', "is not valid CSV at line 2"),
    ],
)
def test_a_file_without_a_valid_list_of_hosts_is_one_mistake(name: str, text: str | bytes, wrong: str) -> None:
    (line,) = refused(name, text)
    assert line.startswith(f'monitoring:hostsFile.path = "{name}": ')
    assert any(each in line for each in wrong.split("|")), line


def test_a_pipe_or_a_device_is_refused_without_reading_it() -> None:
    os.mkfifo("a.yaml")
    Path("b.yaml").symlink_to("/dev/zero")
    for name in ("a.yaml", "b.yaml"):
        with pytest.raises(SettingsError, match="is not a file"):
            with_file(name)


def test_a_number_with_a_leading_zero_is_that_number() -> None:
    Path("a.yaml").write_text(f"- name: web-1\n  {ENTRY}  port: 022\n")
    assert [host.port for host in with_file("a.yaml").hosts] == [22]


@pytest.mark.parametrize("hosts", ["5", "true", '{"a": 1}', "web-1", '["web-1"]'])
@pytest.mark.parametrize("file", ["5", '"a.yaml"', "[]", '{"path": 7}', '{"path": "a.yaml", "privateKey": "x"}'])
def test_settings_of_the_wrong_type_are_separate_mistakes(hosts: str, file: str) -> None:
    Path("a.yaml").write_text(f"- name: web-1\n  {ENTRY}  prot: 22\n")
    given = {"monitoring:hosts": hosts, "monitoring:hostsFile": file}
    with pytest.raises(SettingsError) as error:
        load(REQUIRED | given, tuple(given))
    keys = {mistake.key for mistake in error.value.mistakes}
    assert any(key.startswith("monitoring:hostsFile") for key in keys), keys
    assert any(re.match(r"monitoring:hosts(\[|$)", key) for key in keys), keys


def test_mistakes_of_the_setting_and_of_the_file_are_reported_together() -> None:
    Path("a.yaml").write_text(f"- name: web-1\n  {ENTRY}  prot: 22\n")
    lines = refused("a.yaml", Path("a.yaml").read_text(), key="no key")
    assert [line.partition(":" if line.startswith("a") else " ")[0] for line in lines] == [
        "a.yaml, line 1",
        "monitoring:hostsFile.privateKey",
    ]


def test_true_in_capitals_as_spreadsheets_write_it_is_accepted() -> None:
    Path("a.csv").write_text(f"name,address,unreachable,user,hostKey\nweb-1,198.51.100.9,TRUE,{ROW}\n")
    assert [host.unreachable for host in with_file("a.csv").hosts] == [True]


def test_a_missing_file_is_reported() -> None:
    with pytest.raises(SettingsError, match=r"hosts/none\.csv.*cannot be read: No such file"):
        with_file("hosts/none.csv")


@pytest.mark.parametrize("path", ["hosts", "hosts.json", "../hosts.yaml", "a/../hosts.yaml", "a b.yaml", "-o .csv"])
def test_a_path_that_cannot_be_a_file_of_hosts_is_refused(path: str) -> None:
    with pytest.raises(SettingsError, match=r"hostsFile\.path = .* is not the path of a YAML or CSV file"):
        with_file(path)


def test_the_setting_and_the_file_have_at_most_500_hosts_together() -> None:
    rows = [f"h-{number},10.0.{number // 250}.{number % 250 + 1},{ROW}" for number in range(500)]
    head = "name,address,user,hostKey\n"
    Path("a.csv").write_text(head + "\n".join(rows))
    assert len(with_file("a.csv").hosts) == 500
    (line,) = refused("a.csv", head + "\n".join(rows), hosts=[HOST])
    assert "has 501 elements; write at most 500" in line
