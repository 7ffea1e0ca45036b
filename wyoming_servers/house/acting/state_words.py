"""States as people say them."""

from __future__ import annotations

from typing import Final

from wyoming_servers.house.entity import Entity, EntityState

_OPENINGS: Final = frozenset({"door", "garage_door", "window", "opening"})
_ENGLISH_BINARY: Final = {
    **dict.fromkeys(_OPENINGS, ("open", "closed")),
    "battery": ("low", "normal"),
    "connectivity": ("connected", "disconnected"),
    "lock": ("unlocked", "locked"),
    "moisture": ("wet", "dry"),
    "motion": ("detecting motion", "clear"),
    "occupancy": ("occupied", "clear"),
    "presence": ("home", "away"),
    "problem": ("reporting a problem", "fine"),
    "smoke": ("detecting smoke", "clear"),
}
_CHINESE_BINARY: Final = {
    **dict.fromkeys(_OPENINGS, ("開著", "關著")),
    "battery": ("電量低", "電量正常"),
    "connectivity": ("已連線", "已斷線"),
    "lock": ("沒鎖", "上鎖"),
    "moisture": ("潮濕", "乾燥"),
    "motion": ("偵測到有人", "沒有動靜"),
    "occupancy": ("有人", "沒人"),
    "presence": ("在家", "不在家"),
    "problem": ("有問題", "正常"),
    "smoke": ("偵測到煙霧", "正常"),
}
_ENGLISH: Final = {"unavailable": "not reachable", "not_home": "away", "docked": "docked"}
_CHINESE: Final = {
    "on": "開著", "off": "關著", "open": "開著", "closed": "關著", "opening": "正在打開", "closing": "正在關閉",
    "locked": "上鎖", "unlocked": "沒鎖", "locking": "正在上鎖", "unlocking": "正在解鎖", "jammed": "卡住",
    "home": "在家", "not_home": "不在家", "unavailable": "連不上", "unknown": "未知", "playing": "播放中",
    "paused": "暫停", "idle": "閒置", "standby": "待機", "heat": "暖氣", "cool": "冷氣", "auto": "自動",
    "dry": "除濕", "fan_only": "送風", "heat_cool": "自動", "cleaning": "打掃中", "docked": "充電中",
    "returning": "返回中", "error": "故障", "above_horizon": "日出", "below_horizon": "日落",
}  # fmt: skip


def spoken_state(entity: Entity, state: EntityState, language: str) -> str:
    """Return a state as it is said: "open" for a door's `on`, with its unit for a measurement."""
    chinese = language.lower().startswith("zh")
    if entity.domain == "binary_sensor" and state.value in ("on", "off"):
        pair = (_CHINESE_BINARY if chinese else _ENGLISH_BINARY).get(entity.device_class or "")
        if pair is not None:
            return pair[0] if state.value == "on" else pair[1]
    if state.unit:
        return f"{state.value} {state.unit}"
    words = _CHINESE if chinese else _ENGLISH
    return words.get(state.value, state.value.replace("_", " "))
