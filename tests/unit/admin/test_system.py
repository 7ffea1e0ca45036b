from __future__ import annotations

import httpx

from .conftest import FakeSystem


async def test_system_info_tells_processes_disks_versions_and_discovery(
    client: httpx.AsyncClient, system: FakeSystem
) -> None:
    system.workers = {"tts": {"piper": "failed"}}
    info = (await client.get("/api/system/info")).json()
    assert info["version"] == "1.2.3"
    assert info["started_at"] == "2025-11-23T08:00:00Z"
    assert info["uptime_s"] == 12.5
    assert info["libraries"] == {"fastapi": "0.120"}
    assert info["disks"] == [{"folder": "state", "free_bytes": 10, "total_bytes": 20}]
    assert info["discovery"]["running"] is True
    assert [process["name"] for process in info["processes"]] == [
        "avatar-asr", "avatar-tts", "avatar-conversation", "piper",
    ]  # fmt: skip
    assert info["processes"][-1] == {
        "name": "piper",
        "kind": "worker",
        "state": "failed",
        "role": "tts",
        "engine": "piper",
        "pid": None,
        "restarts": 1,
        "since": None,
        "last_exit": {"at": "2025-11-23T08:00:00Z", "code": None, "signal": "SIGKILL"},
        "rss_bytes": 5,
    }
