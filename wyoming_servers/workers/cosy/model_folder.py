"""What a folder must have to be a model of CosyVoice 2 or 3."""

from __future__ import annotations

from pathlib import Path

from avatar_appliance.errors import ConfigError

_VERSIONS = {"cosyvoice3.yaml": 3, "cosyvoice2.yaml": 2}
_PARTS = ("llm.pt", "flow.pt", "hift.pt", "campplus.onnx", "speech_tokenizer_v{version}.onnx", "CosyVoice-BlankEN")


def model_version(folder: Path) -> int:
    """Return which CosyVoice the folder holds, 2 or 3; raises ConfigError, also where a part of it is missing."""
    version = next((version for name, version in _VERSIONS.items() if (folder / name).is_file()), None)
    if version is None:
        raise ConfigError(f"{folder} is no model of CosyVoice 2 or 3: it has neither {' nor '.join(_VERSIONS)}")
    parts = [part.format(version=version) for part in _PARTS]
    if missing := [part for part in parts if not (folder / part).exists()]:
        raise ConfigError(
            f"{folder} is no whole model of CosyVoice {version}: it lacks {', '.join(missing)}",
            hint="Download the folder again; an interrupted download leaves parts out.",
        )
    return version
