"""What pip says, as progress and as a reason."""

from __future__ import annotations

from avatar_appliance.engines.errors import EngineInstallFailed
from avatar_appliance.engines.pip_install import _failure, _follow
from avatar_appliance.models.errors import DiskFull


class Bars:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None]] = []
        self.done = 0

    def step(self, label: str, total_bytes: int | None) -> None:
        self.seen.append((label, total_bytes))

    def at(self, done_bytes: int) -> None:
        self.done = done_bytes

    def note(self, text: str) -> None:
        raise AssertionError(text)


def test_large_downloads_have_a_bar_and_small_ones_none() -> None:
    bars = Bars()
    _follow(
        [
            "Collecting torch==2.14.0 (from -r vllm.txt (line 9))\n",
            "  Downloading torch-2.14.0-cp312-cp312-manylinux_2_28_x86_64.whl (529.1 MB)\n",
            "Progress 0 of 529100000\n",
            "Progress 529100000 of 529100000\n",
            "  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)\n",
            "Progress 0 of 11050\n",
            "  Using cached idna-3.20-py3-none-any.whl (70 kB)\n",
            "  Building wheel for pyworld (pyproject.toml): started\n",
            "Installing collected packages: torch, six, idna\n",
        ],
        bars,
    )
    assert bars.seen == [
        ("torch-2.14.0-cp312-cp312-manylinux_2_28_x86_64.whl", 529_100_000),
        ("building pyworld", None),
        ("unpacking 3 packages", None),
    ]
    assert bars.done == 529_100_000


def test_the_last_error_is_the_reason_and_a_full_disk_is_its_own() -> None:
    failed = _failure(
        ["Collecting x", "ERROR: Could not find x", "ERROR: No matching distribution found for x", "hint"]
    )
    assert isinstance(failed, EngineInstallFailed)
    assert failed.text.endswith("No matching distribution found for x")
    assert _failure([]).text.endswith("no reason given")
    assert isinstance(_failure(["ERROR: [Errno 28] No space left on device"]), DiskFull)
