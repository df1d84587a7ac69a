"""The agents' installer for many machines that Pulumi does not know: as user data, and as an Ansible role."""

from __future__ import annotations

import base64
import gzip
import io
import re
import tarfile

from userdata.templates import FOLDER, render

ROLE = "monitoring_agent"
TEMPORARY = "/run/monitoring-agent.sh"


def cloud_config(installer: str) -> str:
    """User data that runs an installer when a machine first boots; a secret if the installer is.

    Compressed and without comments it fits into EC2's 16,384 bytes, the smallest limit of any cloud
    (docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html), unless `influxdb.ca` holds several certificates.
    """
    shorter = re.sub(r"^ *# .*\n", "", installer, flags=re.MULTILINE)
    content = base64.b64encode(gzip.compress(shorter.encode(), mtime=0)).decode()
    return render("agent/cloud-config.yaml", path=TEMPORARY, content=content)


def ansible_role(installer: str) -> str:
    """An Ansible role, as a reproducible tar archive, compressed and in Base64. Takes the installer without a
    password."""
    files = {path.relative_to(FOLDER / "ansible").as_posix(): path for path in (FOLDER / "ansible").rglob("*.*")}
    contents = {name: path.read_bytes() for name, path in files.items()} | {"files/install.sh": installer.encode()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(f"{ROLE}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return base64.b64encode(gzip.compress(packed.getvalue(), mtime=0)).decode()
