"""What the ASR server offers: one program over all its workers, and one per worker for `select-program`."""

from __future__ import annotations

from collections.abc import Sequence

from wyoming.info import AsrModel, AsrProgram, Attribution, Info

from avatar_appliance import __version__
from wyoming_servers.backends.watch import WorkerWatch
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink

ATTRIBUTION = Attribution(name="AVATAR Appliance", url="")


class AsrOffer:
    """Built from what the workers said last; Home Assistant fixes the languages when it is set up."""

    def __init__(self, name: str, languages: Sequence[str], watch: WorkerWatch, *, endpointing: bool) -> None:
        self._name = name
        self._house_languages = list(languages)
        self._watch = watch
        self._endpointing = endpointing
        watch.on_change(self._rebuild)
        self._info = Info()
        self._rebuild()

    def info(self) -> Info:
        """Return the offer from memory."""
        return self._info

    def choose(self, links: list[WyomingWorkerLink], program: str | None, model: str | None) -> list[WyomingWorkerLink]:
        """Return the ladder for a request: the program selected, or the workers that have the model first."""
        if program is not None and program != self._name:
            return [link for link in links if link.name == program] or links
        if model:
            having = [link for link in links if model in self._models_of(link.name)]
            return having + [link for link in links if link not in having]
        return links

    def regional(self, language: str | None) -> str | None:
        """Return the house's own tag for a bare language: in a house that speaks zh-TW, "zh" means that."""
        if not language or "-" in _tag(language):
            return language
        return next((tag for tag in self._house_languages if _bare(tag) == _bare(language)), language)

    def _models_of(self, worker: str) -> set[str]:
        info = self._watch.info(worker)
        return {m.name for p in info.asr for m in p.models} if info else set()

    def _rebuild(self) -> None:
        models: list[AsrModel] = []
        programs: list[AsrProgram] = []
        for worker in self._watch.names:
            info = self._watch.info(worker)
            found = [m for p in info.asr if p.installed for m in p.models if m.installed] if info else []
            models += [_with_regions(model, self._house_languages) for model in found]
            programs.append(self._program(worker, f"Only worker {worker}", found, installed=bool(found)))
        known = bool(models)
        if not known:
            # Nobody has said anything yet. Home Assistant reads the languages of a program that is not installed too,
            # and fixes them at set-up, so offer what the house speaks.
            models = [
                AsrModel(name="starting", description="The speech-to-text worker is starting", attribution=ATTRIBUTION,
                         installed=False, version=None, languages=self._house_languages)
            ]  # fmt: skip
        main = self._program(self._name, "Speech-to-text of the AVATAR Appliance", models, installed=known)
        self._info = Info(asr=[main, *(programs if len(programs) > 1 else [])])

    def _program(self, name: str, description: str, models: list[AsrModel], *, installed: bool) -> AsrProgram:
        return AsrProgram(
            name=name,
            description=description,
            attribution=ATTRIBUTION,
            installed=installed,
            version=__version__,
            models=models,
            supports_transcript_streaming=True,
            requires_external_vad=not self._endpointing,
            prefers_auto_gain_enabled=True,
            prefers_noise_reduction_enabled=False,
        )


def _with_regions(model: AsrModel, house: Sequence[str]) -> AsrModel:
    """Add the house's regional tags (zh-TW) to a model that knows the bare language (zh): pipelines match on them."""
    bare = {_bare(language) for language in model.languages}
    regions = [tag for tag in house if tag not in model.languages and _bare(tag) in bare]
    return AsrModel(
        name=model.name, description=model.description, attribution=model.attribution, installed=True,
        version=model.version, languages=[*model.languages, *regions],
    )  # fmt: skip


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()


def _bare(language: str) -> str:
    return _tag(language).split("-")[0]
