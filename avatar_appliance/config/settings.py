"""The settings of the whole appliance, section by section.

Components get their section, never the whole; only the process entry points hold a `Settings`.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from avatar_appliance import paths

from .backup import BackupSettings
from .canary import CanarySettings
from .coordinator import CoordinatorSettings
from .echo_guard import EchoGuardSettings
from .home_assistant import HomeAssistantSettings
from .local_worker import Role
from .memory import MemorySettings
from .mqtt import MqttSettings
from .own_voice import OwnVoiceSettings
from .prompts import PromptSettings
from .section import Language, Name, Port, Section
from .sources import CredentialsSource, YamlSource
from .speaker import SpeakerSettings
from .speech import SpeechSettings
from .voices import VoicesSettings
from .workers import EspeakWorker, FasterWhisperWorker, LlamaCppWorker, PiperWorker, Workers


def _address(value: str) -> str:
    ip_address(value)
    return value


Address = Annotated[str, AfterValidator(_address)]


class HouseSettings(Section):
    """The house the appliance lives in."""

    name: str = Field(default="AVATAR", min_length=1, max_length=40)
    """Shown in Home Assistant before each service's name."""
    languages: list[Language] = Field(default_factory=lambda: ["en", "zh-TW"], min_length=1)
    """Languages people speak here; the first is used where nothing says which."""


class AsrSettings(Section):
    """The speech-to-text server."""

    port: Port = 10300
    """TCP port Home Assistant connects to."""
    workers: list[Name] = Field(default_factory=lambda: ["whisper-base"], min_length=1)
    """The ladder: best worker first, the others when it is down."""
    endpointing: Literal["server", "client"] = "server"
    """Who finds the end of speech: our own voice activity detector, or Home Assistant (slower, and it cuts at 15 s)."""
    vad_sensitivity: Literal["default", "relaxed", "aggressive"] = "default"
    """Silence that ends an utterance: 0.7 s, 1.25 s or 0.25 s, where the request does not say."""
    gate: bool = True
    """Answer silence, noise and invented sentences with empty text."""
    house_names: int = Field(default=60, ge=0, le=400)
    """Names of things and rooms that the recogniser is told to expect, where `home_assistant` is set; 0: none."""
    echo_guard: EchoGuardSettings = Field(default_factory=EchoGuardSettings)
    """The box's own voice."""


class TtsSettings(Section):
    """The text-to-speech server."""

    port: Port = 10200
    """TCP port Home Assistant connects to."""
    workers: list[Name] = Field(default_factory=lambda: ["piper", "espeak"], min_length=1)
    """Workers whose voices make one list; also the ladder: the first that speaks a language is its default."""
    default_voice: str | None = None
    """Voice used when a request names none; default: the first voice that speaks the language of the text."""
    rate_hz: Literal[16000, 22050, 24000, 44100, 48000] = 24000
    """The one sample rate of all speech, whatever the engine."""
    speech: SpeechSettings = Field(default_factory=SpeechSettings)
    """How answers sound and start at once."""


class ConversationSettings(Section):
    """The conversation server."""

    port: Port = 10500
    """TCP port Home Assistant connects to."""
    workers: list[Name] = Field(default_factory=lambda: ["chat"], min_length=1)
    """The ladder: best worker first, the others when it is down."""
    persona: dict[Language, str] = Field(
        default_factory=lambda: {
            "en": "You are {house}, the voice assistant of this home. Answer in one or two short spoken sentences. "
            "Use plain words, no lists, no markdown, no emoji. If you do not know something, say so.",
            "zh-TW": "你是{house}，這個家的語音助理。請用繁體中文，以一到兩句簡短的口語回答。"
            "不要使用條列、標記或表情符號。不知道的事情就說不知道。",
        },
        min_length=1,
    )
    """System prompt per language; {house} is the name of the house."""
    prompts: dict[Language, PromptSettings] = Field(default_factory=dict)
    """What else the model is told, per language, where you want other words than ours: `acting` (rules with the tools
    of the house), `talking` (rules without tools), `condensing` (how older turns are condensed)."""
    max_answer_tokens: int = Field(default=200, ge=16, le=8192)
    """Most tokens of one answer."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of the model; 0 always takes the likeliest word, which small models need to stay right."""
    history_turns: int = Field(default=10, ge=0, le=100)
    """Earlier turns of a conversation the model sees."""
    history_ttl_s: float = Field(default=1800, gt=0)
    """Seconds after which a silent conversation is forgotten (Home Assistant itself forgets after 300)."""
    max_conversations: int = Field(default=200, ge=1, le=10_000)
    """Conversations kept in memory; the longest silent one goes first."""
    summarise: bool = True
    """Whether turns that no longer fit are condensed by the model, in the background, instead of being dropped."""
    memory: MemorySettings = Field(default_factory=MemorySettings)
    """What people want remembered."""
    max_tool_rounds: int = Field(default=5, ge=1, le=20)
    """How often in one turn the model may act and look at the results before it has to answer."""
    tool_time_s: float = Field(default=30, gt=0, le=300)
    """Seconds of one turn after which the model may no longer act and has to answer."""
    openai_port: Port | None = 10501
    """TCP port of the OpenAI-compatible door (Home Assistant's llama.cpp integration, chat programs); null: none."""
    openai_token: SecretStr | None = None
    """Bearer token of that door; default: the one `avatar token --openai` makes, kept as a hash in the state folder."""


class LimitsSettings(Section):
    """Bounds that keep one client from taking the whole box."""

    max_connections: int = Field(default=64, ge=1, le=10_000)
    """Open connections per server; when full, the longest idle one gives way."""
    max_turns: int = Field(default=5, ge=1, le=1000)
    """Requests each server works on at the same time."""
    idle_timeout_s: float = Field(default=60, gt=0)
    """Seconds a connection without a request may stay silent."""
    request_timeout_s: float = Field(default=120, gt=0)
    """Seconds one request may take, the time while audio or text still arrives not counted."""
    stall_timeout_s: float = Field(default=10, gt=0)
    """Seconds between two pieces of audio or text of a request that is not complete."""
    max_header_bytes: int = Field(default=64 * 1024, ge=1024, le=2**20)
    """Longest Wyoming header line."""
    max_data_bytes: int = Field(default=2**20, ge=1024, le=2**26)
    """Largest JSON part of a Wyoming event."""
    max_payload_bytes: int = Field(default=2**21, ge=1024, le=2**28)
    """Largest binary part of a Wyoming event (one audio chunk)."""
    max_audio_s: float = Field(default=300, gt=0, le=7200)
    """Longest utterance to transcribe, in seconds."""
    max_text_chars: int = Field(default=8000, ge=100, le=1_000_000)
    """Longest text to speak or to answer, in characters."""
    worker_queue: int = Field(default=8, ge=0, le=1000)
    """Requests that may wait for a busy worker."""
    worker_wait_s: float = Field(default=30, gt=0)
    """Seconds a request may wait for a busy worker."""
    drain_s: float = Field(default=5, ge=0, le=300)
    """Seconds that running requests get to end on SIGTERM."""


class AdminSettings(Section):
    """The HTTP API (and, later, the panel) of the control plane."""

    host: Address = "127.0.0.1"
    """Address to listen on. Loopback only, unless you put it behind TLS."""
    port: Port = 8756
    """TCP port."""
    allowed_hosts: list[str] = Field(default_factory=list)
    """Further names by which requests may call this machine, such as that of a reverse proxy or avatar.local."""
    token: SecretStr | None = None
    """The owner's bearer token; default: made at the first start, shown once, kept as a hash in the state folder."""


class StoreSettings(Section):
    """History on disk."""

    audio: bool = True
    """Whether to keep what was said and answered as audio."""
    retention_days: float | None = Field(default=90, ge=0)
    """Days the texts are kept; null keeps them for ever, 0 keeps nothing."""
    audio_days: float | None = Field(default=14, ge=0)
    """Days the audio is kept; null keeps it as long as the text."""
    max_audio_bytes: int = Field(default=2 * 2**30, ge=0)
    """Disk space for audio; the oldest goes first."""


class DiscoverySettings(Section):
    """Zeroconf announcement, by which Home Assistant finds the servers."""

    enabled: bool = True
    """Whether to announce."""
    addresses: list[Address] = Field(default_factory=list)
    """Addresses to announce; default: every usable one of this machine."""
    interfaces: list[str] = Field(default_factory=list)
    """Network interfaces to announce on, as names or patterns (enp*); default: every real one."""


class PathSettings(Section):
    """Folders; the defaults follow systemd, then XDG."""

    state_dir: Path = Field(default_factory=paths.default_state_dir)
    """Database, audio, tokens."""
    cache_dir: Path = Field(default_factory=paths.default_cache_dir)
    """Models and downloads."""
    runtime_dir: Path = Field(default_factory=paths.default_runtime_dir)
    """Unix sockets."""


class LogSettings(Section):
    """Logging. What people say is in no log line above DEBUG."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity that is logged."""


def _embedded_workers() -> Workers:
    return {
        "whisper-base": FasterWhisperWorker(engine="faster-whisper"),
        "piper": PiperWorker(engine="piper"),
        "espeak": EspeakWorker(engine="espeak-ng"),
        "chat": LlamaCppWorker(engine="llama-cpp"),
    }


class Settings(BaseSettings):
    """Everything config.yaml may say; see docs/configuration.md."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="AVATAR_",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        title="AVATAR Appliance configuration",
    )

    host: Address = "0.0.0.0"  # noqa: S104 - Home Assistant and the satellites are other machines
    """Address the three Wyoming servers listen on; `::` is both IPs. Wyoming has no password: home network only."""
    house: HouseSettings = Field(default_factory=HouseSettings)
    """The house."""
    asr: AsrSettings = Field(default_factory=AsrSettings)
    """Speech-to-text."""
    tts: TtsSettings = Field(default_factory=TtsSettings)
    """Text-to-speech."""
    conversation: ConversationSettings = Field(default_factory=ConversationSettings)
    """Conversation agent."""
    home_assistant: HomeAssistantSettings = Field(default_factory=HomeAssistantSettings)
    """The house it controls."""
    speaker: SpeakerSettings = Field(default_factory=SpeakerSettings)
    """Who is speaking."""
    voices: VoicesSettings = Field(default_factory=VoicesSettings)
    """Voice profiles."""
    own_voice: OwnVoiceSettings = Field(default_factory=OwnVoiceSettings)
    """Answers in the asker's own voice."""
    workers: Workers = Field(default_factory=_embedded_workers)
    """Models, one process each. Giving this section replaces the embedded ones."""
    coordinator: CoordinatorSettings = Field(default_factory=CoordinatorSettings)
    """Memory: which models are loaded, and who goes when it is short."""
    limits: LimitsSettings = Field(default_factory=LimitsSettings)
    """Bounds."""
    admin: AdminSettings = Field(default_factory=AdminSettings)
    """HTTP API."""
    store: StoreSettings = Field(default_factory=StoreSettings)
    """History."""
    backup: BackupSettings = Field(default_factory=BackupSettings)
    """Backups."""
    canary: CanarySettings = Field(default_factory=CanarySettings)
    """Self-test."""
    discovery: DiscoverySettings = Field(default_factory=DiscoverySettings)
    """Zeroconf."""
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    """MQTT, for automations."""
    paths: PathSettings = Field(default_factory=PathSettings)
    """Folders."""
    log: LogSettings = Field(default_factory=LogSettings)
    """Logging."""

    @model_validator(mode="after")
    def _ladders_name_workers_of_their_role(self) -> Self:
        ladders: tuple[tuple[str, Role, list[str]], ...] = (
            ("asr", "asr", self.asr.workers),
            ("tts", "tts", self.tts.workers),
            ("conversation", "llm", self.conversation.workers),
            ("speaker", "speaker", self.speaker.workers),
        )
        for section, role, ladder in ladders:
            for name in ladder:
                worker = self.workers.get(name)
                if worker is None:
                    known = ", ".join(n for n, w in self.workers.items() if w.role == role) or "none"
                    raise ValueError(
                        f"{section}.workers names {name!r}, which is not under `workers:` ({role}: {known})"
                    )
                if worker.role != role:
                    raise ValueError(f"{section}.workers names {name!r}, whose role is {worker.role}, not {role}")
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports: dict[int, str] = {}
        given = {f"{section}.port": getattr(self, section).port for section in ("asr", "tts", "conversation", "admin")}
        for key, port in (given | {"conversation.openai_port": self.conversation.openai_port}).items():
            if port in ports:
                raise ValueError(f"{key} {port} is taken by {ports[port]} already")
            if port is not None:
                ports[port] = key
        return self

    @classmethod
    def from_sources(cls, file: dict[str, Any], arguments: dict[str, Any]) -> Self:
        """Return the settings from the parsed config.yaml, the environment, credentials and `arguments`."""
        return cls(**{**arguments, "_file": file})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: arguments > environment > systemd credentials > config.yaml > defaults."""
        arguments = dict(init_settings.init_kwargs) if isinstance(init_settings, InitSettingsSource) else {}
        file: dict[str, Any] = arguments.pop("_file", {})
        environment = EnvSettingsSource(settings_cls)
        return (
            InitSettingsSource(settings_cls, arguments),
            environment,
            CredentialsSource(settings_cls),
            YamlSource(settings_cls, file),
        )
