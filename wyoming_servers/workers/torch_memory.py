"""What torch may take of a GPU, and giving back what it keeps unused."""

from __future__ import annotations

from typing import Any

# Of a process's bytes this much is CUDA's own (context, libraries) and not torch's: 0.62 GiB on an H100, less on a card
# with fewer multiprocessors. Too little of it counted lets torch have more than its limit; so count a small card's.
_CONTEXT_BYTES = 400 * 2**20


def cap_memory(torch: Any, device: str, limit_bytes: int | None) -> None:
    """Let torch have at most `limit_bytes` of `device`, so that an overrun fails here and not in a neighbour."""
    if device == "cpu" or limit_bytes is None:
        return
    total = torch.cuda.get_device_properties(device).total_memory
    share = (limit_bytes - _CONTEXT_BYTES) / total
    torch.cuda.set_per_process_memory_fraction(min(1.0, max(0.01, share)), device)


def release_unused(torch: Any, device: str) -> None:
    """Give back what the allocator holds and nobody uses."""
    if device != "cpu":
        torch.cuda.empty_cache()
