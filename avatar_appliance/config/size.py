"""Sizes as people write them: `500MiB`, `7.1 GiB`, `24GB`, or a whole number of bytes.

Not pydantic's `ByteSize`: that one reads "1,5 GiB" as one byte and `True` as another, knows bits, and takes `24G` for
24 GB where systemd and Docker mean 24 GiB.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_UNITS: dict[str, int] = {
    "": 1,
    **{unit.lower(): 1024**power for power, unit in enumerate(_BINARY)},
    **{unit.lower(): 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))},
}
_PATTERN = r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*$"
_SIZE = re.compile(_PATTERN)
_MOST_BYTES = 2**50


def parse_size(value: Any) -> int:
    """Return the bytes that `value`, a text or a whole number, stands for; raises ValueError.

    Capital and small letters are the same; a number without a unit is bytes.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        size_bytes = value
    elif isinstance(value, str):
        size_bytes = _parse(value)
    else:
        raise ValueError("give a size with its unit, such as 500MiB or 7.1GiB, or a whole number of bytes")
    if not 0 <= size_bytes <= _MOST_BYTES:
        raise ValueError(f"a size is between 0 and {format_size(_MOST_BYTES)}")
    return size_bytes


def _parse(text: str) -> int:
    found = _SIZE.match(text)
    if found is None:
        raise ValueError("give a size with its unit, such as 500MiB or 7.1GiB, or a whole number of bytes")
    number, unit = found.groups()
    factor = _UNITS.get(unit.lower())
    if factor is None:
        choice = f": write {unit}iB or {unit}B" if unit.upper() in ("K", "M", "G", "T") else ""
        raise ValueError(f"{unit!r} is no unit of sizes{choice} (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)")
    if not unit and "." in number:
        raise ValueError("a number of bytes is whole; with a unit, as in 7.1GiB, it need not be")
    if len(number) > 30:
        raise ValueError("that many digits are no size")
    return round(Decimal(number) * factor)


def format_size(size_bytes: int) -> str:
    """Return the size for people, in binary units: `7.1 GiB`, `893 MiB`, `0 B`; of a difference also below 0."""
    sign, value = ("-" if size_bytes < 0 else ""), float(abs(size_bytes))
    power = 0
    while power + 1 < len(_BINARY) and value >= 1023.5:  # what would be rounded to 1024 of a unit is 1 of the next
        value /= 1024
        power += 1
    digits = f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
    return f"{sign}{digits.removesuffix('.0')} {_BINARY[power]}"


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _PATTERN}],
            "examples": ["500MiB", "7.1GiB"],
        }
    ),
]
"""A field's type: a size in the configuration, an `int` of bytes in the program."""
