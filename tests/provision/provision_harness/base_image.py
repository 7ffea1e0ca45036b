"""A bare Debian as a server has it after its installation, made once by mmdebstrap and shared by all machines."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .package_sources import apt_sources, carry_over
from .shell import run

# What an installation by Debian's own installer (ssh server, standard tools) has at the least. No pip, no venv, no
# polkit, no compiler: the playbook has to bring what it needs.
PACKAGES = "systemd-sysv,dbus,libpam-systemd,udev,openssh-server,python3,ca-certificates,iproute2,netbase,procps"


def base_image(suite: str) -> Path:
    """Return the folder of the image of `suite`, made now (a few minutes) if there is none."""
    home = Path(os.environ.get("AVATAR_PROVISION_CACHE", "/var/cache/avatar-provision"))
    image, unfinished = home / suite, home / f"{suite}.unfinished"
    if image.exists():
        return image
    home.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(unfinished, ignore_errors=True)
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", suite, str(unfinished), "-"),
        stdin=apt_sources(suite),
        timeout_s=1500,
    )
    carry_over(unfinished)
    for unit in ("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer"):
        (unfinished / "etc/systemd/system" / unit).symlink_to("/dev/null")
    wants = unfinished / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "systemd-networkd.service").symlink_to("/lib/systemd/system/systemd-networkd.service")
    (unfinished / "var/log/journal").mkdir(exist_ok=True)
    for key in unfinished.glob("etc/ssh/ssh_host_*"):
        key.unlink()
    (unfinished / "etc/machine-id").write_text("")
    unfinished.rename(image)
    return image
