"""The setting `hosts`: what is accepted, and that each mistake names its host, its key and the remedy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from settings import load
from tests.support.certificates import KEY
from tests.support.configuration import HOST, HOST_KEY, HOSTS_SECRET, mistakes, raw

OTHER = HOST | {"name": "web-2", "address": "198.51.100.8"}


def test_a_host_requires_four_values_and_the_others_have_defaults() -> None:
    (host,) = load(raw(hosts=[HOST])).hosts
    assert (host.name, host.port, host.private_key, dict(host.tags)) == ("web-1", 22, None, {})
    assert host.unreachable is False
    assert host.inputs.secrets == {}
    assert host.inputs.service_options == ()


def test_an_input_is_on_if_it_is_named() -> None:
    inputs = {"nginx": {}, "ping": {"targets": ["198.51.100.1", "2001:db8::1"]}, "docker": {}}
    (host,) = load(raw(hosts=[HOST | {"inputs": inputs}])).hosts
    assert host.inputs.nginx is not None
    assert host.inputs.nginx.urls == ("http://localhost/nginx_status",)
    assert host.inputs.redis is None
    assert host.inputs.service_options == (
        *("SupplementaryGroups=docker", "CapabilityBoundingSet=CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW"),
    )


def test_a_host_s_secrets_are_kept_secret() -> None:
    (host,) = load(
        raw(hosts=[HOST | {"privateKey": KEY, "inputs": {"redis": {"password": "a secret"}}}]), HOSTS_SECRET
    ).hosts
    assert host.private_key is not None
    assert host.private_key.get_secret_value() == KEY
    assert host.inputs.secrets == {"REDIS_PASSWORD": "a secret"}
    assert "a secret" not in repr(host)
    assert KEY.splitlines()[1] not in repr(host)


WRONG_HOSTS: list[tuple[dict[str, Any], str, str, str]] = [
    # change, key, what is wrong, what to write instead
    ({"name": "web 1"}, "name", "is not a valid host name", "web-1"),
    ({"name": '"; rm -rf /'}, "name", "is not a valid host name", "web-1"),
    ({"name": "a\nhostname = 'b'"}, "name", "is not a valid host name", "web-1"),
    ({"name": "${INFLUX_PASSWORD}"}, "name", "is not a valid host name", "web-1"),
    ({"name": "monitoring-prod"}, "name", "is reserved for monitoring servers", "does not start with"),
    ({"name": "x" * 64}, "name", "is not a valid host name", "63"),
    ({"address": "admin@198.51.100.7"}, "address", "is not a host name or address", "198.51.100.7"),
    ({"address": "198.51.100.7:22"}, "address", "is not a host name or address", "write only the address or name"),
    ({"address": "198.51.100.300"}, "address", "is not a host name or address", "write only the address or name"),
    (
        {"address": "-oProxyCommand=reboot"},
        "address",
        "is not a host name or address",
        "write only the address or name",
    ),
    ({"port": 0}, "port", "is out of range", "1 to 65535"),
    ({"port": "ssh"}, "port", "is not an integer", "write 1 to 65535 (the port)"),
    ({"user": "Admin"}, "user", "is not a valid user name", "sudo"),
    ({"hostKey": "AAAAC3NzaC1lZDI1NTE5"}, "hostKey", "is not an SSH host's public key", "ssh_host_ed25519_key.pub"),
    ({"hostKey": HOST_KEY[:-30]}, "hostKey", "is not an SSH host's public key", "ssh-ed25519 AAAA"),
    ({"hostKey": HOST_KEY.replace("ssh-ed25519", "ssh-rsa")}, "hostKey", "not of the type it names", "ssh-ed25519"),
    ({"hostKey": "SHA256:zM4kxWdv"}, "hostKey", "is not an SSH host's public key", "ssh-ed25519 AAAA"),
    ({"privateKey": "~/.ssh/id_ed25519"}, "privateKey", "is not PEM text", "paste the whole file"),
    ({"privatekey": KEY}, "privatekey", "is not a setting", "did you mean privateKey?"),
    ({"tags": {"host": "x"}}, "tags", "is used by Telegraf's inputs", "another name"),
    ({"tags": {"time": "x"}}, "tags", "is used by Telegraf's inputs", "another name"),
    ({"tags": {"a b": "x"}}, "tags", "is not a valid tag name", "letters, digits and underscores"),
    ({"tags": {"a=1]\n[[inputs.exec]]": "x"}}, "tags", "is not a valid tag name", "letters"),
    ({"tags": {"role": "a\nb"}}, "tags", "a tag cannot have", "one line"),
    ({"tags": {"role": "${INFLUX_PASSWORD}"}}, "tags", "a tag cannot have", "without $"),
    ({"tags": {"role": "a\\"}}, "tags", "a tag cannot have", "backslash"),
    ({"tags": {"role": 5}}, "tags", "is not a string", 'in quotes: "5"'),
    ({"tags": {f"t{n}": "x" for n in range(21)}}, "tags", "has 21 tags", "at most 20"),
    ({"tags": ["role"]}, "tags", "is not an object", "`name: value`"),
    ({"unreachable": "yes"}, "unreachable", "is not true or false", "write true"),
    ({"inputs": {"mysql": {}}}, "inputs.mysql", "is not a setting", "postgresql"),
    ({"inputs": {"nginx": {"url": "http://localhost"}}}, "inputs.nginx.url", "is not a setting", "urls?"),
    ({"inputs": {"nginx": {"urls": ["localhost"]}}}, "inputs.nginx.urls", "is not a URL", "full URL"),
    ({"inputs": {"nginx": {"urls": []}}}, "inputs.nginx.urls", "is empty", "at least one"),
    ({"inputs": {"ping": {}}}, "inputs.ping.targets", "is missing", "add it"),
    (
        {"inputs": {"ping": {"targets": ["a b"]}}},
        "inputs.ping.targets",
        "is not a host name",
        "write only the address or name",
    ),
    ({"inputs": {"redis": {"servers": ["localhost"]}}}, "inputs.redis.servers", "is not a Redis", "tcp://"),
    ({"inputs": {"docker": {"endpoint": "docker"}}}, "inputs.docker.endpoint", "is not the address", "docker.sock"),
    ({"inputs": {"systemdUnits": {"units": ["a b"]}}}, "inputs.systemdUnits.units", "is not the name", "nginx.service"),
    ({"inputs": {"postgresql": {"host": "a b"}}}, "inputs.postgresql.host", "is neither", "/run/postgresql"),
    (
        {"inputs": {"postgresql": {"password": "a b"}}},
        "inputs.postgresql.password",
        "has a space or a backslash",
        "without",
    ),
    (
        {"inputs": {"httpResponse": {"urls": ["https://a.b"], "status": 99}}},
        "inputs.httpResponse.status",
        "is out of range",
        "599",
    ),
    ({"inputs": "nginx"}, "inputs", "is not an object", "`name: value`"),
]


@pytest.mark.parametrize(("changes", "where", "wrong", "instead"), WRONG_HOSTS, ids=lambda v: str(v)[:40])
def test_a_host_s_wrong_value_is_reported_with_its_remedy(
    changes: dict[str, Any], where: str, wrong: str, instead: str
) -> None:
    reported = mistakes(raw(hosts=[HOST, OTHER | changes]), HOSTS_SECRET)
    assert len(reported) == 1, reported
    assert reported[0].startswith(f"monitoring:hosts[1].{where}")
    assert wrong in reported[0]
    assert instead in reported[0]
    assert "\n" not in reported[0]


def test_all_mistakes_of_all_hosts_are_reported_together() -> None:
    reported = mistakes(
        raw(retention="x", hosts=[HOST, HOST | {"port": 2222}, {"name": "web-2", "port": "x"}, "web-3"]),
        HOSTS_SECRET,
    )
    places = [line.partition(" ")[0].rstrip(":") for line in reported]
    assert places == [
        "monitoring:retention",
        "monitoring:hosts[1].name",
        "monitoring:hosts[2].address",
        "monitoring:hosts[2].hostKey",
        "monitoring:hosts[2].port",
        "monitoring:hosts[2].user",
        "monitoring:hosts[3]",
    ]


def test_a_host_s_secret_in_plain_text_is_a_mistake_that_does_not_repeat_it() -> None:
    reported = mistakes(raw(hosts=[HOST | {"privateKey": KEY, "inputs": {"redis": {"password": "hush-hush"}}}]))
    assert len(reported) == 2, reported
    assert "pulumi config set --secret --path 'monitoring:hosts[0].inputs.redis.password'" in reported[0]
    assert "pulumi config set --secret --path 'monitoring:hosts[0].privateKey'" in reported[1]
    assert not [line for line in reported if "hush" in line or KEY.splitlines()[1] in line]


def test_a_private_key_under_another_key_is_not_repeated() -> None:
    (line,) = mistakes(raw(hosts=[HOST | {"hostKey": KEY}]), HOSTS_SECRET)
    assert line.startswith("monitoring:hosts[0].hostKey = (secret): ")
    assert KEY.splitlines()[1][:8] not in line


def test_a_private_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    def configuration(passphrase: str) -> dict[str, str]:
        file = tmp_path / f"key{len(passphrase)}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file], check=True)
        return raw(hosts=[HOST | {"privateKey": file.read_text()}])

    load(configuration(""), HOSTS_SECRET)
    (line,) = mistakes(configuration("a passphrase"), HOSTS_SECRET)
    assert line.startswith("monitoring:hosts[0].privateKey = (secret): ") and "encrypted with a passphrase" in line


def test_hosts_that_are_no_list_are_one_mistake() -> None:
    (line,) = mistakes(raw(hosts={"web-1": HOST}))
    assert line.startswith("monitoring:hosts = (secret): is not a list")


ODD_HOSTS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": 101}, "name", 'is not a string; write it in quotes: "101"'),
    ({"name": ""}, "name", "is empty"),
    ({"name": "-oProxyCommand=id"}, "name", "is not a valid host name"),
    ({"name": "wéb-1"}, "name", "is not a valid host name"),
    ({"name": "web/../1"}, "name", "is not a valid host name"),
    ({"name": "web'; DROP SERIES FROM system; '"}, "name", "is not a valid host name"),
    ({"name": "web-1\n[Service]"}, "name", "is not a valid host name"),
    ({"name": "web&1"}, "name", "is not a valid host name"),
    ({"name": "WEB-1"}, "name", "is also the name of an earlier host"),
    ({"address": "198.51.100.7"}, "address", "is also the address of an earlier host"),
    ({"address": 3325256711}, "address", "is not a string"),
    ({"address": "web_1.example.com"}, "address", "is not a host name or address"),
    ({"address": "198.51.100.08"}, "address", "is not a host name or address"),
    ({"address": "$(id).example.com"}, "address", "is not a host name or address"),
    ({"address": "a" * 254}, "address", "is not a host name or address"),
    ({"port": 22.5}, "port", "is not an integer"),
    ({"port": "22;id"}, "port", "is not an integer"),
    ({"port": 65536}, "port", "is out of range"),
    ({"port": True}, "port", "is not an integer"),
    ({"user": "root;id"}, "user", "is not a valid user name"),
    ({"user": "-l"}, "user", "is not a valid user name"),
    ({"user": "a" * 33}, "user", "is not a valid user name"),
    ({"hostKey": HOST["hostKey"] + "\n" + HOST["hostKey"][:20]}, "hostKey", "has several lines"),
    ({"tags": {"role": "web\n[[inputs.exec]]"}}, "tags", "a tag cannot have"),
    ({"tags": {"role": "END_OF_FILE\nid"}}, "tags", "a tag cannot have"),
    ({"tags": {"role": "a\u2028b"}}, "tags", "a tag cannot have"),
    ({"tags": {"role": "a\u202eb"}}, "tags", "control characters"),
    ({"tags": {"role": "x" * 129}}, "tags", "a tag cannot have"),
    ({"tags": {"role": ""}}, "tags", "is empty"),
    ({"tags": {"rôle": "x"}}, "tags", "is not a valid tag name"),
    ({"tags": {"1st": "x"}}, "tags", "is not a valid tag name"),
    ({"tags": {"Host": "x"}}, "tags", "is used by Telegraf's inputs"),
    ({"tags": {"role": None}}, "tags", "is not a string"),
    ({"inputs": {"ping": {"targets": ["-c 1"]}}}, "inputs.ping.targets", "is not a host name or address"),
    ({"inputs": {"ping": {"targets": ["a.b", "a.b"]}}}, "inputs.ping.targets", "contains a.b twice"),
    ({"inputs": {"ping": {"targets": "a.b"}}}, "inputs.ping.targets", "is a string, not a list"),
    ({"inputs": {"nginx": {"urls": ["http://a.b:99999/"]}}}, "inputs.nginx.urls", "has the port 99999"),
    ({"inputs": {"nginx": {"urls": ["http://a.b/${X}"]}}}, "inputs.nginx.urls", "is not a URL"),
    ({"inputs": {"redis": {"servers": ["tcp://a.b:99999"]}}}, "inputs.redis.servers", "has the port 99999"),
    ({"inputs": {"redis": {"servers": ["tcp://:x@a.b:1"]}}}, "inputs.redis.servers", "is not a Redis server"),
    ({"inputs": {"docker": {"endpoint": "tcp://a.b:0"}}}, "inputs.docker.endpoint", "has the port 0"),
    ({"inputs": {"docker": {"endpoint": 'unix:///a"b'}}}, "inputs.docker.endpoint", "is not the address"),
    ({"inputs": {"postgresql": {"database": "a b"}}}, "inputs.postgresql.database", "not allowed here"),
    ({"inputs": {"postgresql": {"user": "u' host='x"}}}, "inputs.postgresql.user", "not allowed here"),
    ({"inputs": {"postgresql": {"port": 0}}}, "inputs.postgresql.port", "is out of range"),
    ({"inputs": {"systemdUnits": {"units": ["a.service; id"]}}}, "inputs.systemdUnits.units", "is not the name"),
    ({"inputs": {"systemdUnits": {"units": ["$(id)"]}}}, "inputs.systemdUnits.units", "is not the name"),
    (
        {"inputs": {"httpResponse": {"urls": ["https://a.b"], "timeout": "5"}}},
        "inputs.httpResponse.timeout",
        "duration",
    ),
    (
        {"inputs": {"httpResponse": {"urls": ["https://a.b"], "timeout": "1h"}}},
        "inputs.httpResponse.timeout",
        "duration",
    ),
    ({"inputs": {"docker": "yes"}}, "inputs.docker", "is not an object"),
    ({"inputs": ["docker"]}, "inputs", "is not an object"),
    ({"inputs": {"exec": {"commands": ["id"]}}}, "inputs.exec", "is not a setting"),
]


@pytest.mark.parametrize(("changes", "where", "reported"), ODD_HOSTS, ids=lambda v: ascii(v)[:50])
def test_a_hostile_or_odd_value_of_a_host_is_reported(changes: dict[str, Any], where: str, reported: str) -> None:
    (line,) = mistakes(raw(hosts=[HOST, OTHER | changes]), HOSTS_SECRET)
    assert line.startswith(f"monitoring:hosts[1].{where}")
    assert reported in line
    assert line.isprintable()


def test_hosts_with_the_same_address_need_different_ports() -> None:
    second = HOST | {"name": "web-2"}
    assert len(load(raw(hosts=[HOST, second | {"port": 2222}]), HOSTS_SECRET).hosts) == 2
    (line,) = mistakes(raw(hosts=[HOST, second]), HOSTS_SECRET)
    assert line.startswith("monitoring:hosts[1].address") and "is also the address of an earlier host" in line


def test_an_unreachable_host_s_address_can_be_used_again() -> None:
    assert len(load(raw(hosts=[HOST | {"unreachable": True}, HOST | {"name": "web-2"}]), HOSTS_SECRET).hosts) == 2
