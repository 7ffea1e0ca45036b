"""What the parts of a profile may be, for everything that comes from outside."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from .voice_index import MAX_SPEED, MIN_SPEED, VoicePurpose, VoiceTier, is_language_tag

MAX_LANGUAGES = 8
MAX_TRANSCRIPT_CHARS = 1000


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of printable characters")
    return text


def _tag(text: str) -> str:
    text = text.replace("_", "-")
    if not is_language_tag(text):
        raise ValueError("a language tag such as en-GB or zh-TW")
    return text


def _all_differ(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def _spoken(text: str) -> str:
    text = " ".join(text.split())
    return _one_line(text) if text else text


ProfileName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(_one_line)
]
LanguageTag = Annotated[str, StringConstraints(min_length=2, max_length=35), AfterValidator(_tag)]
Languages = Annotated[list[LanguageTag], Field(min_length=1, max_length=MAX_LANGUAGES), AfterValidator(_all_differ)]
Speed = Annotated[float, Field(ge=MIN_SPEED, le=MAX_SPEED, allow_inf_nan=False)]
SpokenWords = Annotated[str, StringConstraints(max_length=MAX_TRANSCRIPT_CHARS), AfterValidator(_spoken)]
ConsentText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(_one_line)
]


class ConsentGiven(BaseModel):
    """Whose voice it is, and what they allow it for."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    given_by: ConsentText
    """Who gave it: the person whose voice it is, or who answers for them."""
    purpose: ConsentText
    """What the voice may be used for."""


class ProfileFields(BaseModel):
    """What the owner says of a profile; what is not given takes the default."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: ProfileName
    """What people call the voice; Home Assistant shows it."""
    languages: Languages
    """Languages it shall speak, the recording's own first."""
    tier: VoiceTier = "auto"
    """Which kind of engine speaks where both could."""
    purpose: VoicePurpose = "answers"
    """What it is for."""
    speed: Speed = 1.0
    """Above 1 speaks faster."""
    transcript: SpokenWords = ""
    """What is said in the part of the recording that is taken; default: written down by our own speech recognition."""
    transcript_language: LanguageTag | None = None
    """Language of the recording; default: the first of `languages`."""
    consent: ConsentGiven | None = None
    """Required before the voice is cloned."""


class ProfileChange(BaseModel):
    """What of a profile shall be otherwise; what is not given stays."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: ProfileName | None = None
    """Another name; the id, and so Home Assistant's name of the voice, stays."""
    languages: Languages | None = None
    """Other languages."""
    tier: VoiceTier | None = None
    """Another kind of engine."""
    purpose: VoicePurpose | None = None
    """Another purpose; it is not its default then."""
    speed: Speed | None = None
    """Another speed."""
    is_default: bool | None = None
    """Whether it speaks where no voice is asked for; the default of the same purpose until now is none then."""
    transcript: SpokenWords | None = None
    """What is really said in the reference; empty: have it written down again."""
    transcript_language: LanguageTag | None = None
    """Language of the reference."""
    consent: ConsentGiven | None = None
    """Consent given now; null (said, not left out) takes it back, and the voice is gone."""

    @property
    def takes_consent_back(self) -> bool:
        """Whether consent is set to null."""
        return "consent" in self.model_fields_set and self.consent is None
