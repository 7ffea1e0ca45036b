"""Worker sections of the configuration: one model, one process, one entry under `workers:`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator

from .embedded_estimates import estimate_espeak, estimate_fake, estimate_llama_cpp, estimate_piper, estimate_whisper
from .gpu_workers import CosyVoiceWorker, F5TtsWorker, VllmWorker
from .local_worker import DeviceChoice, DeviceKind, GpuWorker, LocalWorker, Role, ToolUse
from .memory_estimate import MemoryEstimate, ModelSizes
from .pocket_tts import PocketTtsWorker
from .qwen3_tts import Qwen3TtsWorker
from .section import Language, Name, Section
from .size import Size
from .speaker_worker import ResemblyzerWorker


class FasterWhisperWorker(GpuWorker):
    """Speech-to-text by faster-whisper (CTranslate2)."""

    engine: Literal["faster-whisper"]
    model: str = "whisper-base"
    """Name in the model catalogue, or the path of a CTranslate2 model folder."""
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

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """By the size of the model and the format of its weights in use."""
        return estimate_whisper(device, self.compute_type, model_sizes(self.model))


class PiperWorker(LocalWorker):
    """Text-to-speech by Piper."""

    light: ClassVar[bool] = True

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

    @property
    def default_priority(self) -> int:
        """Small, and what everything else falls back to."""
        return 90

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """By the sizes of its voices."""
        return estimate_piper([model_sizes(voice) for voice in self.voices])


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

    light: ClassVar[bool] = True

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

    @property
    def default_priority(self) -> int:
        """Small, and what everything else falls back to."""
        return 90

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """Its dictionaries; there is no model."""
        return estimate_espeak()


class LlamaCppWorker(GpuWorker):
    """Chat model by llama.cpp's OpenAI-compatible server."""

    engine: Literal["llama-cpp"]
    model: str = "qwen2.5-coder-0.5b-instruct-q4"
    """Name in the model catalogue, or the path of a GGUF file."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads; 0 takes the physical cores, four at most."""
    context_tokens: int = Field(default=4096, ge=512, le=1_000_000)
    """Context window in tokens; more needs more memory."""
    gpu_layers: int = Field(default=0, ge=-1, le=1000)
    """Layers on the GPU; -1 is all of them, 0 none. For more than none llama.cpp has to be built with CUDA."""
    tools: ToolUse = "off"
    """auto: it is offered the tools of the house and may act. The embedded model calls the wrong ones: leave it off."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "llm"

    @property
    def runs_on(self) -> tuple[DeviceKind, ...]:
        """A GPU only where layers shall be there."""
        return ("gpu", "cpu") if self.gpu_layers else ("cpu",)

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """By the size of the model and the context; partly offloaded layers count as if all were on the GPU."""
        return estimate_llama_cpp(device, self.context_tokens, model_sizes(self.model))

    @model_validator(mode="after")
    def _layers_go_where_it_runs(self) -> Self:
        if self.device.startswith("cuda") and not self.gpu_layers:
            raise ValueError("device: with gpu_layers 0 nothing is on a GPU; give gpu_layers: -1 for all layers")
        return self


class FakeWorker(GpuWorker):
    """A scripted worker without a model: for trials, load tests and fault drills. Its memory is that of `memory` and
    `peak_memory`: claimed where its device is a simulated GPU, taken from RAM with `allocate`, else only a figure."""

    engine: Literal["fake"]
    fake_role: Role
    """Which role it plays."""
    device: DeviceChoice = "cpu"
    """auto (a GPU, else the CPU), cpu, cuda (any GPU) or cuda:N. On a real GPU it holds nothing."""
    allocate: bool = False
    """Whether its memory is really taken from RAM and touched; its whole resident memory then counts."""
    hang_at_start: bool = False
    """Never gets ready."""
    oom_at_start: bool = False
    """Runs out of memory when it starts."""
    ignore_sigterm: bool = False
    """Ends only by SIGKILL."""
    leave_child: Size = 0
    """What a child process of its group holds, and goes on to hold when the worker is gone; 0: there is none."""
    grow_to: Size | None = None
    """What it holds later, beyond what `memory` says."""
    grow_after_s: float = Field(default=1.0, ge=0, le=86_400)
    """Seconds after its start when it does."""
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

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """Python and little else; a start takes what it was told to take."""
        return estimate_fake(self.load_s)


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
    tools: ToolUse = "auto"
    """off: it is never offered tools, so it only talks."""
    context_tokens: int | None = Field(default=None, ge=512, le=2_000_000)
    """Its context window; default: unknown, and a conversation is shortened once the endpoint refuses it."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "llm"


LocalWorkerSettings = (
    FasterWhisperWorker
    | PiperWorker
    | EspeakWorker
    | LlamaCppWorker
    | VllmWorker
    | F5TtsWorker
    | CosyVoiceWorker
    | PocketTtsWorker
    | Qwen3TtsWorker
    | ResemblyzerWorker
    | FakeWorker
)
ExternalWorkerSettings = WyomingWorker | OpenAIWorker
WorkerSettings = Annotated[LocalWorkerSettings | ExternalWorkerSettings, Field(discriminator="engine")]
WORKER_MODELS = (*get_args(LocalWorkerSettings), *get_args(ExternalWorkerSettings))
Workers = dict[Name, WorkerSettings]


def socket_path(runtime_dir: Path, name: str) -> Path:
    """Return the unix socket on which the local worker `name` listens."""
    return runtime_dir / f"worker-{name}.sock"
