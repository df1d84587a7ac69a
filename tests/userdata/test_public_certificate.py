"""The server's files for `publicCertificate`, and which certificate is served when."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from settings import PublicCertificate
from tests.support.certificates import certificate_text, ec_key, issue, key_text, self_signed
from tests.support.configuration import DIRECTORY
from tests.userdata.examples import SERVER
from userdata.server_files import PUBLIC_FILES, server_files
from userdata.templates import FOLDER

DOMAIN = "m.example.com"
ON = replace(SERVER, host=DOMAIN, public_certificate=PublicCertificate(directory=DIRECTORY))
FILES = server_files(ON)
STORE = "https___acme-v02.api.letsencrypt.org_directory"


def test_without_the_setting_only_the_part_that_removes_it_exists() -> None:
    files = server_files(SERVER)
    assert "public.sh" in files
    assert not set(PUBLIC_FILES) & set(files)
    assert "ACME_DIRECTORY" not in files["server.conf"]
    assert "public-certificate" not in files["telegraf.conf"]


class Machine:
    """The script in a temporary folder, with a fake systemctl and a fake certbot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = (FOLDER / "server/public-certificate.sh").read_text()
        for path in ("/etc/monitoring", "/etc/haproxy", "/etc/grafana", "/srv/monitoring"):
            text = text.replace(path, f"{folder}{path}")
            (folder / path[1:]).mkdir(parents=True)
        self.script = folder / "script"
        self.script.write_text(text)
        (folder / "etc/monitoring/acme.conf").write_text(f"DOMAIN={DOMAIN}\nDIRECTORY={DIRECTORY}\nEMAIL=''\n")
        (folder / "etc/monitoring/boot.conf").write_text("REGION=eu-central-1\n")
        own = self_signed(folder).read_text()
        self.own = folder / "etc/monitoring/server.pem"
        self.own.write_text(own.partition("-----BEGIN EC")[0])
        (folder / "etc/grafana/server-key").write_text("-----BEGIN EC" + own.partition("-----BEGIN EC")[2])
        self.live = folder / "srv/monitoring/certificate" / STORE / "live" / DOMAIN
        (folder / "bin").mkdir()
        self.program("systemctl", f'echo "$*" >>{folder}/asked')

    def program(self, name: str, text: str) -> None:
        (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def gets(self, number: int, days: tuple[int, int]) -> str:
        """Write a certificate as certbot would; returns its text."""
        self.live.mkdir(parents=True, exist_ok=True)
        text = certificate_text(issue(ec_key(number), days=days))
        (self.live / "fullchain.pem").write_text(text)
        (self.live / "privkey.pem").write_text(key_text(ec_key(number)))
        return text

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{self.folder}/bin:/usr/bin:/bin", "RUNTIME_DIRECTORY": str(self.folder / "run")}
        (self.folder / "run").mkdir(exist_ok=True)
        command = ["bash", str(self.script), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)

    @property
    def shown(self) -> Path:
        return self.folder / "etc/haproxy/grafana.pem"

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    return Machine(tmp_path)


def test_the_stack_s_certificate_is_served_unless_a_public_one_is_valid(
    machine: Machine,
) -> None:
    for _ in range(2):
        assert machine.run("serve").returncode == 0
        assert machine.shown.read_text().startswith(machine.own.read_text())
        assert machine.run("status").stdout == "public_certificate left=0i\n"
    text = machine.gets(1, days=(-1, 10))
    assert machine.run("serve").returncode == 0
    assert machine.shown.read_text() == text + key_text(ec_key(1))
    left = int(machine.run("status").stdout.partition("left=")[2].rstrip("i\n"))
    assert 9 * 86400 < left <= 10 * 86400
    machine.gets(2, days=(-10, -1))
    assert machine.run("serve").returncode == 0
    assert machine.shown.read_text().startswith(machine.own.read_text())
    assert machine.run("status").stdout == "public_certificate left=0i\n"
    assert machine.asked == ["try-reload-or-restart haproxy"] * 3, "only when the certificate changes"


def test_only_root_reads_the_key_and_telegraf_reads_the_certificate(machine: Machine) -> None:
    text = machine.gets(1, days=(-1, 10))
    assert machine.run("serve").returncode == 0
    assert machine.shown.stat().st_mode & 0o777 == 0o600
    public = machine.folder / "etc/monitoring/public.pem"
    assert (public.read_text(), public.stat().st_mode & 0o777) == (text, 0o644)


def test_a_refusal_is_one_line_and_the_valid_certificate_stays(machine: Machine) -> None:
    text = machine.gets(1, days=(-1, 10))
    found = "  Type: unauthorized\n  Detail: No TXT record found\n\nHint: see the manual\n"
    for said, reason in (("", "An error occurred: no answer"), (found, "  Detail: No TXT record found")):
        output = f"Saving debug log\n{said}An error occurred:\nno answer\nAsk for help at x\n"
        (machine.folder / "says").write_text(output)
        machine.program("certbot", f"cat {machine.folder}/says >&2; exit 1")
        done = machine.run()
        assert done.returncode == 1
        assert done.stdout == f"monitoring: no public certificate for {DOMAIN}; it will be tried again: {reason}\n"
    assert machine.shown.read_text().startswith(text)


def configured(machine: Machine, email: str = "") -> None:
    text = f"DOMAIN={DOMAIN}\nDIRECTORY={DIRECTORY}\nEMAIL='{email}'\n"
    (machine.folder / "etc/monitoring/acme.conf").write_text(text)


def certbot(machine: Machine, update: str = "true") -> str:
    """Install a certbot that obtains a certificate and records its arguments; returns the certificate. update: what
    `update_account` does."""
    text = certificate_text(issue(ec_key(3), days=(-1, 90)))
    (machine.folder / "new.pem").write_text(text)
    (machine.folder / "new.key").write_text(key_text(ec_key(3)))
    put = f"mkdir -p {machine.live}; cp {machine.folder}/new.pem {machine.live}/fullchain.pem"
    key = f"cp {machine.folder}/new.key {machine.live}/privkey.pem"
    noted = f'echo "$REQUESTS_CA_BUNDLE $AWS_DEFAULT_REGION $*" >>{machine.folder}/given'
    machine.program("certbot", f"{noted}\n[ $1 = certonly ] || {{ {update}; exit; }}\n{put}; {key}")
    return text


def given(machine: Machine) -> list[str]:
    """The arguments of certbot since the last call of this function."""
    file = machine.folder / "given"
    lines = file.read_text().splitlines()
    file.unlink()
    return lines


def test_certbot_requests_the_domain_from_the_configured_authority(machine: Machine) -> None:
    text = certbot(machine)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        rf"monitoring: the public certificate of {DOMAIN} is valid until \d{{4}}-\d\d-\d\d\n", done.stdout
    )
    assert machine.shown.read_text().startswith(text)
    asked, *_ = given(machine)
    name = f"--dns-route53 --key-type ecdsa --keep-until-expiring --cert-name {DOMAIN} -d {DOMAIN}"
    assert asked.startswith(f"/etc/ssl/certs/ca-certificates.crt eu-central-1 certonly {name} ")
    assert f"--server {DIRECTORY} --config-dir {machine.live.parent.parent} " in asked
    assert "--register-unsafely-without-email" in asked
    # A private authority is trusted in addition to the public ones, and gets an email address.
    ca = machine.folder / "etc/monitoring/acme-ca.pem"
    ca.write_text(text)
    configured(machine, "ops@example.com")
    assert machine.run().returncode == 0
    asked, *_ = given(machine)
    assert asked.startswith(f"{machine.folder}/run/trusted.pem ")
    assert "--email ops@example.com --no-eff-email" in asked
    assert (machine.folder / "run/trusted.pem").read_text().endswith(text)


def test_a_changed_or_removed_email_address_is_sent_to_the_authority_once(machine: Machine) -> None:
    certbot(machine)
    for email, option in (("a@example.com", "--email a@example.com"), ("", "--register-unsafely-without-email")):
        configured(machine, email)
        assert machine.run().returncode == 0
        (update,) = [line for line in given(machine) if " update_account " in line]
        assert option in update
        assert f"--server {DIRECTORY} --config-dir {machine.live.parent.parent} " in update
        assert machine.run().returncode == 0
        assert "update_account" not in "".join(given(machine))


def test_a_refused_email_address_is_reported_each_time_but_the_certificate_is_served(machine: Machine) -> None:
    text = certbot(machine, update="echo An error occurred: >&2; echo invalid contact >&2; exit 1")
    configured(machine, "ops@localhost")
    for _ in range(2):
        done = machine.run()
        assert done.returncode == 1
        assert done.stdout.endswith(
            "monitoring: the certificate authority does not have the email address in the settings; "
            "it will be tried again: An error occurred: invalid contact\n"
        )
        assert machine.shown.read_text().startswith(text)
