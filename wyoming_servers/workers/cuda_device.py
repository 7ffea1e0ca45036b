"""The GPU a worker was given, as CUDA and NVML name it.

`cuda:N` is the N-th GPU that this process would see: in the order of the slots (CUDA_DEVICE_ORDER=PCI_BUS_ID), after
CUDA_VISIBLE_DEVICES if whoever started the appliance set that.
"""

from __future__ import annotations

import os


def use_device(device: str) -> str:
    """Let this process, before it imports its engine, see `device` alone; return what torch calls it then.

    `device` is `cpu`, `cuda:N`, or `cuda` and `auto` for the first GPU. A process that sees other GPUs leaves half a
    gigabyte of context on each that it touches.
    """
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return "cpu"
    os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpu(device)
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return "cuda:0"


def visible_gpu(device: str) -> str:
    """Return the value of CUDA_VISIBLE_DEVICES with which only that GPU is seen: its number, or its UUID."""
    index = int(device.partition(":")[2] or 0)
    inherited = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    return inherited[index] if index < len(inherited) else str(index)


def gpu_total_bytes(device: str) -> int | None:
    """Return the memory of a GPU, None where there is no driver to ask; makes no CUDA context."""
    import pynvml

    name = visible_gpu(device)
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        by_number = name.isdigit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(int(name)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(name)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()
