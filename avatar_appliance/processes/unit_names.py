"""Which unit of systemd a process is, and where that unit lives on the bus."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from avatar_appliance.errors import ConfigError

MAX_UNIT_CHARS = 255  # systemd: UNIT_NAME_MAX, with the closing NUL
UNIT_PATHS = "/org/freedesktop/systemd1/unit/"
_SUFFIX = ".service"
# A process name (ProcessSpec) has only characters that a unit name may have as they are, so that instances are written
# without escapes: avatar-worker@f5-tts.service. The units say %i and never %I, which would make a path of a dash.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class UnitNames:
    """The template unit of each role."""

    templates: Mapping[str, str] = field(
        default_factory=lambda: {"worker": "avatar-worker@", "server": "avatar-wyoming@"}
    )

    def unit(self, role: str, name: str) -> str:
        """Return the unit of a process; raises ConfigError for a role without units or a name that fits into none."""
        template = self.templates.get(role)
        if template is None:
            raise ConfigError(f"process {name}: there is no unit for the role {role!r}")
        unit = f"{template}{name}{_SUFFIX}"
        if not _NAME.fullmatch(name) or len(unit) >= MAX_UNIT_CHARS:
            raise ConfigError(f"process name {name!r} cannot be part of a unit's name")
        return unit

    def process(self, unit: str) -> tuple[str, str] | None:
        """Return role and name of the process that `unit` is, None for a unit that is none of ours."""
        for role, template in self.templates.items():
            if unit.startswith(template) and unit.endswith(_SUFFIX):
                name = unit[len(template) : -len(_SUFFIX)]
                if _NAME.fullmatch(name):
                    return role, name
        return None

    @property
    def patterns(self) -> list[str]:
        """Globs that find our units among all."""
        return [f"{template}*{_SUFFIX}" for template in self.templates.values()]


def unit_path(unit: str) -> str:
    """Return the object path of a unit: systemd writes all but letters and digits as `_` and two hexadecimal digits."""
    escaped = (
        chr(byte) if chr(byte).isalnum() and byte < 128 and (index or not chr(byte).isdigit()) else f"_{byte:02x}"
        for index, byte in enumerate(unit.encode())
    )
    return UNIT_PATHS + "".join(escaped)
