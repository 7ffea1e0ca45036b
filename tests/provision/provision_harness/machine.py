"""A Debian machine: systemd as PID 1 in systemd-nspawn, over an overlay of the base image."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import control_groups
from .base_image import base_image
from .network import BRIDGE, SUBNET, Network
from .package_sources import local_folders
from .shell import ProgramFailed, run

_HERE = Path(__file__).parent
_REBOOT = 133  # nspawn ends with this when the machine asked for a reboot
BOOT_TIMEOUT_S = 90.0
SSH_OPTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


class Machine:
    """One machine; `number` is the last part of its address."""

    def __init__(self, name: str, number: int, network: Network, suite: str) -> None:
        self.name = name
        self.address = f"{SUBNET}.{number}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"avatar-{name}-", dir=base_image(suite).parent))
        self.root = self.folder / "root"
        self.key = self.folder / "ssh_key"
        self._network = network
        self._base = base_image(suite)
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._install()

    def start(self) -> None:
        """Switch on; return when the machine says that it is up."""
        command = [
            *("systemd-nspawn", "--quiet", "--keep-unit", "--register=no", f"--machine={self.name}"),
            *(f"--directory={self.root}", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            *("--console=read-only", "--kill-signal=SIGRTMIN+3", f"--network-bridge={BRIDGE}"),
            *(f"--bind-ro={_HERE / 'pid1'}:/run/pid1", *(f"--bind-ro={path}" for path in local_folders())),
            *("/run/pid1", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"),
        ]
        with contextlib.suppress(ProgramFailed):
            run("ip", "link", "delete", f"vb-{self.name}")  # left over from a run that was killed
        if control_groups.HOST_HAS_SYSTEMD:
            command = ["systemd-run", "--quiet", "--scope", "--property=Delegate=yes", *command]
        with open(self.folder / "console.log", "ab") as console:
            self._nspawn = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                preexec_fn=lambda: control_groups.enter(self.name),  # there are no threads here
            )
        self.wait_for("it is up", self._is_up, BOOT_TIMEOUT_S)

    def cut_power(self) -> None:
        """Kill everything at once: nobody inside gets a signal first."""
        os.kill(self._leader(), signal.SIGKILL)
        self._ended(30)

    def reboot(self) -> None:
        """Reboot cleanly; return when the machine is up again."""
        with contextlib.suppress(ProgramFailed):
            self.run("systemctl", "reboot", "--no-wall")
        assert self._ended(120) == _REBOOT
        self.start()

    def destroy(self) -> None:
        """Switch off and remove."""
        if self._nspawn is not None and self._nspawn.poll() is None:
            with contextlib.suppress(ProgramFailed):
                os.kill(self._leader(), signal.SIGRTMIN + 4)  # systemd: start poweroff.target
            try:
                self._ended(60)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._ended(10)
        control_groups.empty(self.name)
        run("umount", str(self.root))
        shutil.rmtree(self.folder)

    def run(self, *command: str, timeout_s: float = 120) -> str:
        """Return what `command` prints inside, as root; raises ProgramFailed."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        inside = ("nsenter", "--target", str(self._leader()), "--all", "--", *command)
        return run(*inside, timeout_s=timeout_s, env=environment)

    def try_run(self, *command: str, timeout_s: float = 120) -> str | None:
        """Return what `command` prints inside, None when it fails."""
        try:
            return self.run(*command, timeout_s=timeout_s)
        except ProgramFailed:
            return None

    def wait_for(self, what: str, condition: Callable[[], object], timeout_s: float) -> float:
        """Wait until `condition` holds; return the seconds that it took. What can be waited on is another machine."""
        started = time.monotonic()
        while not condition():
            if time.monotonic() > started + timeout_s:
                console = (self.folder / "console.log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"{self.name}: not within {timeout_s:g} s: {what}\n{console}")
            time.sleep(0.1)
        return time.monotonic() - started

    def inventory(self, group: str) -> str:
        """Return an Ansible inventory with this machine in `group`."""
        return (
            f"[{group}]\n{self.name} ansible_host={self.address} ansible_user=root "
            f"ansible_ssh_private_key_file={self.key} ansible_python_interpreter=/usr/bin/python3 "
            f"ansible_ssh_common_args='{SSH_OPTIONS}'\n"
        )

    def _install(self) -> None:
        upper, work = self.folder / "upper", self.folder / "work"
        for folder in (upper, work, self.root):
            folder.mkdir()
        options = f"lowerdir={self._base},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", "overlay", "-o", options, str(self.root))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        etc = self.root / "etc"
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n::1 localhost\n")
        (etc / "resolv.conf").unlink(missing_ok=True)
        (etc / "resolv.conf").write_text(self._network.name_servers())
        (etc / "systemd/network/10-host0.network").write_text(
            f"[Match]\nName=host0\n[Network]\nAddress={self.address}/24\nGateway={SUBNET}.1\n"
            f"[Link]\nMTUBytes={self._network.mtu}\n"
        )
        ssh = self.root / "root/.ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        run("chroot", str(self.root), "ssh-keygen", "-A")

    def _leader(self) -> int:
        """The machine's PID 1 as seen from here."""
        if self._nspawn is not None and self._nspawn.poll() is None:
            for parent in _descendants(self._nspawn.pid):
                if _program(parent) == "systemd-nspawn":
                    for child in _children(parent):
                        return child
        raise ProgramFailed(f"{self.name} is not running")

    def _is_up(self) -> bool:
        if self._nspawn is None or self._nspawn.poll() is not None:
            raise AssertionError((self.folder / "console.log").read_text(errors="replace")[-3000:])
        said = self.try_run("sh", "-c", "systemctl is-system-running || true") or ""
        return said.strip() in ("running", "degraded")

    def _ended(self, timeout_s: float) -> int:
        assert self._nspawn is not None
        status = self._nspawn.wait(timeout_s)
        control_groups.empty(self.name)
        return status


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        found += _children(each)
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
