"""F5-TTS v1 and its vocoder Vocos: built on the CPU in the format they will have, then moved.

Moving first and halving there would leave the memory of the full precision reserved: 0.6 GiB, measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from avatar_appliance.errors import ConfigError

from .imports import F5Package

RATE_HZ = 24_000
HOP = 256
MEL_CHANNELS = 100
FRAMES_PER_S = RATE_HZ / HOP
_CHECKPOINTS = ("*.safetensors", "*.pt")
_VOCODERS = ("vocos.bin", "vocos/pytorch_model.bin")
_SEED = 0


@dataclass(frozen=True, slots=True)
class _Shape:
    """The numbers that make a model large or small."""

    dim: int
    depth: int
    heads: int
    text_dim: int
    conv_layers: int
    vocos_dim: int
    vocos_intermediate: int
    vocos_layers: int
    random_scale: float
    """Of the numbers that stand in for those that training would make of zeros."""


_SHAPES = {
    # F5TTS_v1_Base.yaml of the package, and charactr/vocos-mel-24khz.
    "base": _Shape(1024, 22, 16, 512, 4, 512, 1536, 8, 0.01),
    # The smallest whose attention heads have the 64 numbers each that the model is written for.
    "tiny": _Shape(128, 2, 2, 64, 1, 64, 128, 2, 0.05),
}


@dataclass(frozen=True, slots=True)
class F5Model:
    """A loaded model; everything on `device`."""

    package: F5Package
    cfm: Any
    vocos: Any
    vocabulary: dict[str, int]
    device: str
    dtype: Any


def load_model(package: F5Package, folder: Path, device: str, *, size: str = "base") -> F5Model:
    """Load the checkpoint in `folder`; raises ConfigError for what is no F5TTS_v1_Base model. `size`: for tests."""
    checkpoint, vocoder = find_checkpoint(folder), find_vocoder(folder)
    vocabulary = folder / "vocab.txt"
    model = _build(package, size, vocabulary if vocabulary.is_file() else _own_vocabulary(), device)
    _fill(model.cfm, _without_training(_read(package, checkpoint)), checkpoint)
    _fill(model.vocos, _read(package, vocoder), vocoder)
    return _moved(model)


def random_model(package: F5Package, size: str, device: str) -> F5Model:
    """Build a model of made-up numbers, the same each time: it takes the time and memory of a real one."""
    torch = package.torch
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model = _build(package, size, _own_vocabulary(), device)
        with torch.no_grad():
            # Its output layers start as zeros: the first step would be the last one that does anything.
            for parameter in model.cfm.parameters():
                if parameter.ndim > 1 and not parameter.any():
                    parameter.normal_(0, _SHAPES[size].random_scale)
    return _moved(model)


def find_checkpoint(folder: Path) -> Path:
    """Return the one checkpoint in `folder`; raises ConfigError."""
    found = sorted(path for pattern in _CHECKPOINTS for path in folder.glob(pattern))
    if len(found) != 1:
        what = "no checkpoint" if not found else f"{len(found)} checkpoints"
        raise ConfigError(f"{folder} has {what} (*.safetensors or *.pt): there must be one")
    return found[0]


def find_vocoder(folder: Path) -> Path:
    """Return the weights of Vocos in `folder`; raises ConfigError."""
    for name in _VOCODERS:
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"{folder} has no vocoder: put Vocos (charactr/vocos-mel-24khz) there as vocos.bin")


def _own_vocabulary() -> Path:
    return Path(str(resources.files("f5_tts").joinpath("infer/examples/vocab.txt")))


def _build(package: F5Package, size: str, vocabulary_file: Path, device: str) -> F5Model:
    shape = _SHAPES[size]
    torch = package.torch
    vocabulary, count = package.get_tokenizer(str(vocabulary_file), "custom")
    cfm = package.CFM(
        transformer=package.DiT(
            dim=shape.dim,
            depth=shape.depth,
            heads=shape.heads,
            ff_mult=2,
            text_dim=shape.text_dim,
            text_mask_padding=True,
            conv_layers=shape.conv_layers,
            text_num_embeds=count,
            mel_dim=MEL_CHANNELS,
        ),
        mel_spec_kwargs={
            "n_fft": 1024,
            "hop_length": HOP,
            "win_length": 1024,
            "n_mel_channels": MEL_CHANNELS,
            "target_sample_rate": RATE_HZ,
            "mel_spec_type": "vocos",
        },
        odeint_kwargs={"method": "euler"},
        vocab_char_map=vocabulary,
    )
    vocos = package.Vocos(
        package.vocos_features(RATE_HZ, 1024, HOP, MEL_CHANNELS, "center"),
        package.vocos_backbone(MEL_CHANNELS, shape.vocos_dim, shape.vocos_intermediate, shape.vocos_layers),
        package.vocos_head(shape.vocos_dim, 1024, HOP, "center"),
    )
    dtype = torch.float32 if device == "cpu" else torch.float16
    return F5Model(package, cfm, vocos, vocabulary, device, dtype)


def _read(package: F5Package, file: Path) -> dict[str, Any]:
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(file, device="cpu"))
        # weights_only: a pickle may run code while it is read; this reads numbers and nothing else.
        return dict(package.torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # noqa: BLE001 - each library raises its own for a file that is no checkpoint
        raise ConfigError(f"{file} cannot be read as a checkpoint ({type(error).__name__})") from None


def _without_training(state: dict[str, Any]) -> dict[str, Any]:
    """Return the averaged weights of a training checkpoint under the names the model has."""
    state = state.get("ema_model_state_dict", state)
    named = {key.removeprefix("ema_model."): value for key, value in state.items() if key not in ("initted", "step")}
    # Constants that older checkpoints carry along.
    return {key: value for key, value in named.items() if not key.startswith("mel_spec.")}


def _fill(module: Any, state: dict[str, Any], file: Path) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[:2]
        raise ConfigError(f"{file} does not fit the model: {' '.join(line.strip() for line in first)[:200]}") from None


def _moved(model: F5Model) -> F5Model:
    cfm = model.cfm.to(model.dtype).to(model.device).eval()
    vocos = model.vocos.to(model.device).eval()  # single precision: half of it is audible, and it takes 4 ms
    return F5Model(model.package, cfm, vocos, model.vocabulary, model.device, model.dtype)
