"""A machine of the RPM family: real rpm and dnf, with packages in rpm's own database.

They are dnf 4.23 and rpm 4.20 from Debian's archive, and the machine's userland stays Debian's: apt and dpkg are
hidden, os-release is Amazon Linux 2023's, and one package stands for what its image has installed. Telegraf's package
is built from the publisher's own scripts and files, as its Makefile passes them to fpm, and is signed by a subkey, as
theirs is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.repository.influxdata import TELEGRAF_MODULE, module_folder
from settings.model import InfluxdataRepository
from tests.live.ordinary_host import OrdinaryHost, ordinary_host

TOOLS = "dnf dnf-plugins-core rpm createrepo-c gnupg"
BASE = """Name: system-release
Version: 2023
Release: 1
Summary: What an image of Amazon Linux has installed
License: none
Provides: system-release(releasever) = 2023
Provides: /bin/sh /bin/bash /usr/sbin/useradd coreutils shadow-utils
%description
%{summary}.
%files
"""
TELEGRAF = """Name: telegraf
Version: @VERSION@
Release: 1
Summary: Plugin-driven server agent for reporting metrics into InfluxDB.
License: MIT
Vendor: InfluxData
Requires: coreutils
Requires(pre): /usr/sbin/useradd
Recommends: influxdata-archive-keyring
AutoReqProv: no
%description
%{summary}
%install
cp -a /root/rpm/tree/. %{buildroot}
%pre -p /bin/bash
@PRE@
%post -p /bin/bash
@POST@
%postun -p /bin/bash
@POSTUN@
%posttrans -p /bin/bash
@POST@
%files
%defattr(-,root,root,-)
/usr/bin/telegraf
/usr/lib/telegraf
%config(noreplace) /etc/telegraf/telegraf.conf
%config(noreplace) /etc/telegraf/telegraf.d/.ignore
%config(noreplace) /etc/logrotate.d/telegraf
"""
BUILD = """set -e
cd /root/rpm
export HOME=/root/rpm/home
mkdir -p -m 700 home repo
gpg -q --batch --passphrase '' --quick-generate-key 'InfluxData (local build) <rpm@sandbox>' rsa3072 cert never
primary=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ {print $10; exit}')
gpg -q --batch --passphrase '' --quick-add-key $primary rsa3072 sign never
signing=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ {found = $10} END {print found}')
gpg --armor --export $primary >key.asc
echo $primary >fingerprint
dpkg-deb -x telegraf.deb tree
mv tree/etc/telegraf/telegraf.conf.sample tree/etc/telegraf/telegraf.conf
echo '# DO NOT EDIT OR REMOVE' >tree/etc/telegraf/telegraf.d/.ignore
for spec in base telegraf older; do
  rpmbuild -bb --quiet --define "_topdir /root/rpm/build" --define 'debug_package %{nil}' \
    --define '_build_id_links none' --define '__os_install_post %{nil}' $spec.spec
done
mkdir unsigned
mv build/RPMS/*/telegraf-0.9.0-1.*.rpm build/RPMS/*/system-release-*.rpm .
cp build/RPMS/*/telegraf-*.rpm unsigned
mv build/RPMS/*/telegraf-*.rpm repo
for rpm in repo/*.rpm telegraf-0.9.0-1.*.rpm; do
  rpmsign --define "_gpg_name $signing!" --define '_gpg_digest_algo sha256' --addsign $rpm >/dev/null
done
createrepo_c -q repo
createrepo_c -q unsigned
rpm -i system-release-*.rpm
"""
HIDE = """set -e
find /usr/lib/python3/dist-packages/dnf-plugins -name '*.py' ! -name versionlock.py -delete
mkdir -p /root/debian /etc/yum.repos.d
mv /usr/bin/apt-get /usr/bin/apt /usr/bin/dpkg /usr/bin/dpkg-query /root/debian
rm -f /etc/os-release
printf 'NAME="Amazon Linux"\\nVERSION="2023"\\nID="amzn"\\nID_LIKE="fedora"\\nVERSION_ID="2023"\\n' >/etc/os-release
"""
STATE = (
    "for file in $(find /etc/yum.repos.d /etc/dnf /etc/pki /etc/telegraf /etc/default/telegraf /etc/logrotate.d"
    " /etc/systemd/system/telegraf.service.d /etc/systemd/system/*monitoring* -type f 2>/dev/null | sort);"
    " do sha256sum $file; stat -c '%a %U:%G %n' $file; done; rpm -qa | sort;"
    " systemctl is-active telegraf; systemctl is-enabled telegraf 2>&1;"
    " systemctl is-active monitoring-agent-clock.timer; ls /etc/systemd/system/timers.target.wants | grep monitoring;"
    " getent passwd telegraf; ls -d /var/lib/monitoring* /var/lib/telegraf /var/log/telegraf 2>/dev/null"
)


class RpmHost(OrdinaryHost):
    """An OrdinaryHost of the RPM family. address: its repository's, with $basearch."""

    STATE = STATE

    def __init__(self, host: OrdinaryHost) -> None:
        super().__init__(host.machine, host.www.parent)
        self._build()
        repo = self.www.parent / "rpm" / self.shell("uname -m")
        shutil.copytree(self.machine.root / "root/rpm/repo", repo)
        shutil.copyfile(self.machine.root / "root/rpm/key.asc", repo.parent / "influxdata-archive.key")
        address = "http://packages.sandbox.internal/rpm"
        self.address = f"{address}/$basearch"
        self.repository = InfluxdataRepository.model_validate(
            self.repository.model_dump(by_alias=True)
            | {
                "rpmUrl": self.address,
                "keyUrl": f"{address}/influxdata-archive.key",
                "keyFingerprint": self.shell("cat /root/rpm/fingerprint"),
            }
        )

    def _build(self) -> None:
        scripts = module_folder(TELEGRAF_MODULE) / "scripts/rpm"
        spec = TELEGRAF
        for word, name in (("PRE", "pre-install"), ("POST", "post-install"), ("POSTUN", "post-remove")):
            spec = spec.replace(f"@{word}@", (scripts / f"{name}.sh").read_text().replace("%", "%%"))
        self.shell(f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {TOOLS} >/dev/null 2>&1")
        folder = self.machine.root / "root/rpm"
        folder.mkdir()
        (folder / "base.spec").write_text(BASE)
        (folder / "telegraf.spec").write_text(spec.replace("@VERSION@", self.version.removesuffix("-1")))
        (folder / "older.spec").write_text(spec.replace("@VERSION@", "0.9.0"))
        shutil.copyfile(self.www / "pool/main" / self.package, folder / "telegraf.deb")
        self.shell(BUILD)
        self.shell(HIDE)

    def update(self) -> Any:
        """Run `dnf upgrade`, as the host's own timer does."""
        return self.run("dnf -q upgrade -y")

    def save(self) -> None:
        """Save the machine's state, for `restore`."""
        self.shell("mkdir /root/before; cp -a /etc/yum.repos.d /etc/dnf /root/before")

    def restore(self) -> None:
        """Restore the saved state, without Telegraf, whatever a test has done to the machine."""
        self.shell(
            "systemctl disable -q --now monitoring-agent-clock.timer 2>/dev/null;"
            " rm -f /etc/systemd/system/monitoring-agent*;"
            " systemctl stop telegraf lock 2>/dev/null; systemctl reset-failed telegraf 2>/dev/null;"
            " rpm -q telegraf >/dev/null && rpm -e telegraf >/dev/null 2>&1;"
            " rpm -q gpg-pubkey >/dev/null && rpm -e $(rpm -q gpg-pubkey);"
            " rm -rf /etc/telegraf /etc/default/telegraf /etc/systemd/system/telegraf.service.d /var/lib/monitoring*"
            " /var/lib/telegraf /var/log/telegraf /run/monitoring-telegraf-restart /etc/yum.repos.d /etc/dnf;"
            " cp -a /root/before/. /etc/; systemctl daemon-reload;"
            " getent passwd telegraf >/dev/null && userdel telegraf; true"
        )


@contextmanager
def rpm_host(checkout: Path) -> Iterator[RpmHost]:
    """Boot a machine; it is removed afterwards. checkout: an empty folder, from which its addresses are derived."""
    with ordinary_host(checkout) as host:
        yield RpmHost(host)
