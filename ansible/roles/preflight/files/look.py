"""What Ansible's facts do not tell: free space, who listens on our ports, GPU and driver. Prints JSON."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NVIDIA = "0x10de"


def free_gb(path):
    """Return the GB that are free where `path` is, or will be."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return round(shutil.disk_usage(path).free / 1e9, 1)


def listeners(ports):
    """Return what listens on each of `ports`, as `ss` names it, but for our own processes."""
    said = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in said.splitlines():
        port = int(line.split()[3].rsplit(":", 1)[1])
        pid = re.search(r"pid=(\d+)", line)
        if port in ports and not (pid and ours(pid.group(1))):
            program = re.search(r'\(\("([^"]+)"', line)
            found[port] = program.group(1) if program else "an unknown program"
    return [{"port": port, "program": program} for port, program in sorted(found.items())]


def ours(pid):
    """Return whether systemd runs the process as a unit of ours."""
    try:
        return "/avatar" in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def gpus():
    """Return how many NVIDIA display controllers are plugged in."""
    count = 0
    for device in Path("/sys/bus/pci/devices").glob("*"):
        vendor, kind = ((device / name).read_text().strip() for name in ("vendor", "class"))
        count += vendor == NVIDIA and kind.startswith("0x03")
    return count


def driver():
    """Return the version of the loaded NVIDIA kernel module, and whether the user-space library answers."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return None, False
    version = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", text)
    answers = shutil.which("nvidia-smi") and subprocess.run(["nvidia-smi", "-L"], capture_output=True).returncode == 0
    return version.group(1) if version else "unknown", bool(answers)


version, answers = driver()
print(
    json.dumps(
        {
            "free_gb": {"/opt": free_gb("/opt"), "/var": free_gb("/var/lib")},
            "listeners": listeners([int(port) for port in sys.argv[1:]]),
            "gpus": gpus(),
            "driver": version,
            "driver_answers": answers,
            "provisioned": os.path.exists("/opt/avatar/current"),
            "nouveau": os.path.isdir("/sys/module/nouveau"),
        }
    )
)
