"""The classes of the package f5_tts, without what only training needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# `f5_tts.model` imports its trainer, which imports these (1.1.22). They take a gigabyte, and none of them is used.
_TRAINING_ONLY: dict[str, tuple[str, ...]] = {
    "wandb": (),
    "accelerate": ("Accelerator",),
    "accelerate.utils": ("DistributedDataParallelKwargs",),
    "datasets": ("Dataset", "load_from_disk"),
    "ema_pytorch": ("EMA",),
}


@dataclass(frozen=True, slots=True)
class F5Package:
    """What is used of f5_tts, vocos and torch."""

    torch: Any
    CFM: Any
    DiT: Any
    Vocos: Any
    vocos_features: Any
    vocos_backbone: Any
    vocos_head: Any
    convert_char_to_pinyin: Any
    list_str_to_idx: Any
    get_tokenizer: Any
    get_epss_timesteps: Any


def import_f5() -> F5Package:
    """Import f5_tts; raises ImportError where it, or what it needs, is not installed. Takes 5 to 15 s."""
    import torch

    with _stand_ins():
        from f5_tts.model import CFM, DiT
        from f5_tts.model.utils import convert_char_to_pinyin, get_epss_timesteps, get_tokenizer, list_str_to_idx
    from vocos import Vocos
    from vocos.feature_extractors import MelSpectrogramFeatures
    from vocos.heads import ISTFTHead
    from vocos.models import VocosBackbone

    return F5Package(
        torch=torch,
        CFM=CFM,
        DiT=DiT,
        Vocos=Vocos,
        vocos_features=MelSpectrogramFeatures,
        vocos_backbone=VocosBackbone,
        vocos_head=ISTFTHead,
        convert_char_to_pinyin=convert_char_to_pinyin,
        list_str_to_idx=list_str_to_idx,
        get_tokenizer=get_tokenizer,
        get_epss_timesteps=get_epss_timesteps,
    )


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Let the trainer's imports succeed; what we put there is gone afterwards, so that nothing takes it for real."""
    ours = {}
    for name, members in _TRAINING_ONLY.items():
        if name not in sys.modules:
            module = ModuleType(name)
            for member in members:
                setattr(module, member, type(member, (), {}))
            sys.modules[name] = ours[name] = module
    try:
        yield
    finally:
        for name, module in ours.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
