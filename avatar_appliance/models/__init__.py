"""Models: the catalogue of what there is, and the store that fetches, checks and keeps them.

Use: `store = ModelStore(cache_dir)`, then `store.fetch(model, progress)` for the models one wants (network),
`store.ensure(model)` at every start-up (milliseconds, no network), `store.entry(model)` for the engine.
"""

from __future__ import annotations

from avatar_appliance.models.catalogue import Catalogue, Model, ModelFile, load_catalogue
from avatar_appliance.models.errors import (
    CacheUnwritable,
    CatalogueInvalid,
    DiskFull,
    DownloadFailed,
    ModelCorrupt,
    ModelMissing,
    ModelUnknown,
)
from avatar_appliance.models.progress import SILENCE, FetchProgress
from avatar_appliance.models.store import ModelState, ModelStore, Problem

__all__ = [
    "SILENCE",
    "CacheUnwritable",
    "Catalogue",
    "CatalogueInvalid",
    "DiskFull",
    "DownloadFailed",
    "FetchProgress",
    "Model",
    "ModelCorrupt",
    "ModelFile",
    "ModelMissing",
    "ModelState",
    "ModelStore",
    "ModelUnknown",
    "Problem",
    "load_catalogue",
]
