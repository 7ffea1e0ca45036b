"""How much memory our control groups leave us: a container, or a slice with `MemoryMax=`, has less than the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """One control group with a limit."""

    limit_bytes: int
    used_bytes: int
    """Without the file pages that nobody has used lately: the kernel takes those back before it kills."""

    @property
    def free_bytes(self) -> int:
        """What may still be taken before the kernel kills somebody in the group."""
        return max(0, self.limit_bytes - self.used_bytes)


def limited_groups(proc: Path, hierarchy: Path, *, start_at_parent: bool = False) -> Iterator[CgroupMemory]:
    """Yield each group with a limit, from our own (or its parent) upwards; nothing where there is no cgroup v2."""
    own = _own_group(proc)
    if own is None:
        return
    groups = (own, *own.parents)
    for group in groups[1:] if start_at_parent else groups:
        folder = hierarchy / group.relative_to("/")
        try:
            limit = (folder / "memory.max").read_text("ascii").strip()
            if limit == "max":
                continue
            current_bytes = int((folder / "memory.current").read_text("ascii"))
            yield CgroupMemory(int(limit), max(0, current_bytes - _inactive_file_bytes(folder)))
        except (OSError, ValueError):  # the root has no such files; or the group went while we read
            continue


def _own_group(proc: Path) -> PurePosixPath | None:
    try:
        lines = (proc / "self" / "cgroup").read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("0::/"):
            path = PurePosixPath(line.removeprefix("0::"))
            return None if ".." in path.parts else path  # outside of our cgroup namespace: nothing of it can be read
    return None


def _inactive_file_bytes(folder: Path) -> int:
    for line in (folder / "memory.stat").read_text("ascii").splitlines():
        key, _, value = line.partition(" ")
        if key == "inactive_file":
            return int(value)
    return 0
