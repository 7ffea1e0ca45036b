"""The voices of the profiles as a cloning worker offers, prepares, keeps and drops them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from wyoming.info import Attribution

from avatar_appliance.errors import ConfigError, VoiceUnknown
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, write_voice_index
from wyoming_servers.workers.cloned_voices import ClonedVoices, HouseholdVoices, clone_name

US = Attribution(name="us", url="")


def voice(name: str, *languages: str, version: int = 1, folder: Path = Path("/")) -> ClonedVoice:
    return ClonedVoice(
        id=name, name=name.title(), languages=languages or ("en",), version=version, speed=1.0, tier="auto",
        purpose="answers", is_default=False, reference=folder / name / "reference.wav", transcript="hello",
        transcript_language="en",
    )  # fmt: skip


class Shelf:
    """An index on disk, and what a worker made of it."""

    def __init__(self, folder: Path, *languages: str, most: int = 16) -> None:
        self.folder = folder
        self.prepared: list[str] = []
        self.forgotten: list[str] = []
        self.broken: set[str] = set()
        index = VoiceIndex(folder / "index.json")
        self.voices = ClonedVoices(index, languages or ("en", "zh"), self._prepare, self.forgotten.append, most=most)

    def _prepare(self, one: ClonedVoice) -> str:
        self.prepared.append(clone_name(one))
        if one.id in self.broken:
            raise ConfigError("its recording is empty")
        return clone_name(one)

    def write(self, *names: str, version: int = 1, languages: tuple[str, ...] = ()) -> None:
        voices = [voice(name, *languages, version=version, folder=self.folder) for name in names]
        write_voice_index(self.folder / "index.json", voices)

    def speak(self, name: str) -> str:
        with self.voices.use(name) as clone:
            return clone.prepared

    @property
    def offered(self) -> list[str]:
        return [entry.name for entry in self.voices.offer(US)]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_without_an_index_there_is_no_voice(shelf: Shelf) -> None:
    assert shelf.offered == []
    with pytest.raises(VoiceUnknown):
        shelf.speak("clone:anna:1")
    assert ClonedVoices(None, ("en",), lambda one: one).offer(US) == []


def test_a_voice_is_offered_with_the_languages_that_the_engine_and_the_owner_have_in_common(shelf: Shelf) -> None:
    shelf.write("anna", languages=("zh-TW", "de", "en-GB"))
    (entry,) = shelf.voices.offer(US)
    assert (entry.name, entry.description, entry.version) == ("clone:anna:1", "Anna", "1")
    assert entry.languages == ["zh-TW", "en-GB"]


def test_a_voice_of_other_languages_only_is_not_offered(shelf: Shelf) -> None:
    shelf.write("anna", languages=("de-AT",))
    assert shelf.offered == []
    with pytest.raises(VoiceUnknown):
        shelf.speak("clone:anna:1")


def test_a_recording_is_prepared_once_per_version(shelf: Shelf) -> None:
    shelf.write("anna", "ben")
    assert [shelf.speak(name) for name in ("clone:anna:1", "clone:ben:1", "clone:anna:1")] == [
        "clone:anna:1", "clone:ben:1", "clone:anna:1",
    ]  # fmt: skip
    assert shelf.prepared == ["clone:anna:1", "clone:ben:1"]
    shelf.write("anna", "ben", version=2)
    assert shelf.offered == ["clone:anna:2", "clone:ben:2"]
    assert shelf.speak("clone:anna:2") == "clone:anna:2"
    with pytest.raises(VoiceUnknown):
        shelf.speak("clone:anna:1")


def test_a_voice_that_goes_takes_what_was_made_of_it_along(shelf: Shelf) -> None:
    shelf.write("anna", "ben")
    shelf.speak("clone:anna:1")
    shelf.speak("clone:ben:1")
    shelf.write("ben")
    assert shelf.offered == ["clone:ben:1"]  # the worker is asked every few seconds
    assert (shelf.voices.kept, shelf.forgotten) == (["clone:ben:1"], ["clone:anna:1"])


def test_a_voice_that_lasts_for_an_answer_is_spoken_with_and_offered_to_nobody(shelf: Shelf) -> None:
    folder = shelf.folder / "passing"
    voices = HouseholdVoices(shelf.folder / "index.json", VoiceIndex(folder / "index.json"))
    clones = ClonedVoices(voices, ("en",), clone_name, shelf.forgotten.append)
    write_voice_index(folder / "index.json", [voice("asker-1", folder=folder), voice("asker-2", "de", folder=folder)])
    shelf.write("anna")
    assert [entry.name for entry in clones.offer(US)] == ["clone:anna:1"]
    assert voices.has_passing("clone:asker-1:1")
    assert not voices.has_passing("clone:anna:1")
    with clones.use("clone:asker-1:1") as clone:
        assert clone.prepared == "clone:asker-1:1"
    with pytest.raises(VoiceUnknown), clones.use("clone:asker-2:1"):
        pass
    write_voice_index(folder / "index.json", [])
    assert [entry.name for entry in clones.offer(US)] == ["clone:anna:1"]
    assert (clones.kept, shelf.forgotten) == ([], ["clone:asker-1:1"])


def test_a_voice_that_goes_while_it_speaks_is_dropped_afterwards(shelf: Shelf) -> None:
    shelf.write("anna")
    with shelf.voices.use("clone:anna:1"):
        shelf.write()
        assert shelf.offered == []
        assert shelf.forgotten == []
    assert shelf.forgotten == ["clone:anna:1"]
    assert shelf.voices.kept == []


def test_only_the_voices_spoken_with_last_are_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, most=2)
    shelf.write("anna", "ben", "cleo")
    for name in ("anna", "ben", "anna", "cleo"):
        shelf.speak(f"clone:{name}:1")
    assert shelf.voices.kept == ["clone:anna:1", "clone:cleo:1"]
    assert shelf.forgotten == ["clone:ben:1"]


def test_a_recording_of_no_use_is_said_once_and_no_longer_offered_until_it_changes(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.write("anna", "ben")
    shelf.broken.add("anna")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with pytest.raises(VoiceUnknown):
                shelf.speak("clone:anna:1")
    assert shelf.prepared == ["clone:anna:1"]
    assert [record.getMessage() for record in caplog.records] == [
        "voice anna, version 1, cannot be spoken with: its recording is empty"
    ]
    assert shelf.offered == ["clone:ben:1"]
    shelf.broken.clear()
    shelf.write("anna", "ben", version=2)
    assert shelf.speak("clone:anna:2") == "clone:anna:2"


def test_a_broken_index_keeps_the_voices_it_had(shelf: Shelf) -> None:
    shelf.write("anna")
    assert shelf.offered == ["clone:anna:1"]
    (shelf.folder / "index.json").write_text("{")
    assert shelf.offered == ["clone:anna:1"]
