"""Worker sections of the configuration: one model, one process, one entry under `workers:`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AnyHttpUrl, Field, SecretStr

from .section import Language, Name, Section

Role = Literal["asr", "tts", "llm"]


class LocalWorker(Section):
    """What every worker that we start ourselves has."""

    start_timeout_s: float = Field(default=180, gt=0, le=3600)
    """Seconds a start may take until the worker answers a real probe."""
    env: dict[str, str] = Field(default_factory=dict)
    """Extra environment variables for the worker process."""


class FasterWhisperWorker(LocalWorker):
    """Speech-to-text by faster-whisper (CTranslate2)."""

    engine: Literal["faster-whisper"]
    model: str = "whisper-base"
    """Name in the model catalogue, or the path of a CTranslate2 model folder."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, cuda or cuda:N."""
    compute_type: Literal["auto", "int8", "int8_float16", "float16", "float32"] = "auto"
    """Number format of the weights in use; auto is int8 on a CPU and float16 on a GPU."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads; 0 takes the physical cores, four at most."""
    beam_size: int = Field(default=1, ge=1, le=10)
    """Beams of the search; more is slower and seldom better for commands."""
    window_s: float = Field(default=8.0, ge=4.0, le=30.0)
    """Shortest encoder window. 30 is stock Whisper; 8 takes about a third of the time for a short command and
    falls back to 30 when the result looks wrong."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "asr"


class PiperWorker(LocalWorker):
    """Text-to-speech by Piper."""

    engine: Literal["piper"]
    voices: list[str] = Field(default_factory=lambda: ["piper-en-us-joe-medium"], min_length=1)
    """Names in the model catalogue, paths of .onnx files, or folders holding them."""
    length_scale: float | None = Field(default=None, ge=0.25, le=4.0)
    """Above 1 speaks slower. Default: the voice's own."""
    noise_scale: float | None = Field(default=None, ge=0, le=2)
    """How much the sound of each sentence varies; 0 not at all. Default: the voice's own."""
    noise_w_scale: float | None = Field(default=None, ge=0, le=2)
    """How much the rhythm of each sentence varies; 0 not at all. Default: the voice's own."""
    sentence_silence_s: float = Field(default=0.0, ge=0.0, le=5.0)
    """Silence after each sentence, in seconds."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "tts"


class EspeakVoice(Section):
    """One eSpeak NG voice to offer."""

    name: str
    """Voice name Home Assistant shows, e.g. espeak-zh-TW."""
    voice: str
    """eSpeak NG's own voice identifier, e.g. cmn or en-us."""
    language: Language
    """Language tag under which the voice is listed."""


class EspeakWorker(LocalWorker):
    """Text-to-speech by eSpeak NG: robotic, instant, and it speaks Mandarin without any model."""

    engine: Literal["espeak-ng"]
    voices: list[EspeakVoice] = Field(
        default_factory=lambda: [
            EspeakVoice(name="espeak-zh-TW", voice="cmn", language="zh-TW"),
            EspeakVoice(name="espeak-en-US", voice="en-us", language="en-US"),
        ],
        min_length=1,
    )
    """Voices to offer."""
    words_per_minute: int = Field(default=165, ge=80, le=450)
    """Speaking rate."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "tts"


class LlamaCppWorker(LocalWorker):
    """Chat model by llama.cpp's OpenAI-compatible server."""

    engine: Literal["llama-cpp"]
    model: str = "qwen2.5-coder-0.5b-instruct-q4"
    """Name in the model catalogue, or the path of a GGUF file."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads; 0 takes the physical cores, four at most."""
    context_tokens: int = Field(default=4096, ge=512, le=1_000_000)
    """Context window in tokens; more needs more memory."""
    gpu_layers: int = Field(default=0, ge=-1, le=1000)
    """Layers on the GPU; -1 is all of them, 0 none."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "llm"


class FakeWorker(LocalWorker):
    """A scripted worker without a model: for trials, load tests and fault drills."""

    engine: Literal["fake"]
    fake_role: Role
    """Which role it plays."""
    load_s: float = Field(default=0.0, ge=0, le=600)
    """Seconds until it is ready."""
    latency_s: float = Field(default=0.0, ge=0, le=600)
    """Seconds before each first output."""
    chunk_interval_s: float = Field(default=0.0, ge=0, le=60)
    """Seconds between outputs of a streamed answer."""
    uninterruptible: bool = False
    """Whether its engine call ignores the stop flag, as a CTranslate2 call does."""
    fault: Literal["none", "error", "hang", "drop", "exit", "garbage"] = "none"
    """What goes wrong in each request: an error, silence for ever, a connection dropped in the middle, the end of
    the process, or (LLM; for the others the same as drop) bytes that are no JSON."""
    fault_after: int = Field(default=0, ge=0)
    """Requests served well before the fault starts."""
    transcript: str = "turn on the kitchen light"
    """What a fake ASR hears."""
    answer: str = "You said: {text}"
    """What a fake LLM answers; {text} is the last user message, {turn} the number of user messages."""
    languages: list[Language] = Field(default_factory=lambda: ["en", "zh-TW"], min_length=1)
    """Languages it claims."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return self.fake_role


class WyomingWorker(Section):
    """Any Wyoming ASR or TTS server that runs already, on this machine or another."""

    engine: Literal["wyoming"]
    wyoming_role: Literal["asr", "tts"]
    """Which of the server's programs to use."""
    uri: Annotated[str, Field(pattern=r"^(tcp://[^/:]+:\d+|tcp://\[[0-9a-fA-F:]+\]:\d+|unix:///.+)$")]
    """tcp://HOST:PORT or unix:///PATH."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return self.wyoming_role


class OpenAIWorker(Section):
    """Any OpenAI-compatible chat endpoint: vLLM, llama.cpp, Ollama, a server elsewhere."""

    engine: Literal["openai"]
    base_url: AnyHttpUrl
    """Base URL, ending before /chat/completions, e.g. http://192.168.1.20:8000/v1."""
    model: str | None = None
    """Model name to ask for; default: the first one the endpoint lists."""
    api_key: SecretStr | None = None
    """Bearer token, if the endpoint wants one. Better kept in the environment or a systemd credential."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "llm"


LocalWorkerSettings = FasterWhisperWorker | PiperWorker | EspeakWorker | LlamaCppWorker | FakeWorker
WorkerSettings = Annotated[
    FasterWhisperWorker | PiperWorker | EspeakWorker | LlamaCppWorker | FakeWorker | WyomingWorker | OpenAIWorker,
    Field(discriminator="engine"),
]
WORKER_MODELS = (*get_args(LocalWorkerSettings), WyomingWorker, OpenAIWorker)
Workers = dict[Name, WorkerSettings]


def socket_path(runtime_dir: Path, name: str) -> Path:
    """Return the unix socket on which the local worker `name` listens."""
    return runtime_dir / f"worker-{name}.sock"
