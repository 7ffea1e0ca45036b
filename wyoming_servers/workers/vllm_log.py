"""What vLLM says about itself, read from its log: how far its start is, why it failed, and what may be passed on.

vLLM 0.33 writes `(EngineCore pid=7) INFO 11-22 18:40:12 [gpu_worker.py:480] text`; progress bars, tracebacks and the
HTTP server write what they like. Before the first request nobody has said anything, so that all of it may be in our
log. From then on no text of it is passed on above DEBUG: a parser that stumbles over an answer, say, quotes it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

_LINE = re.compile(
    r"(?:\((?P<process>[^)]*)\)\s*)?(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+"
    r"(?:\d\d-\d\d \d\d:\d\d:\d\d\s+(?:\[(?P<place>[^\]]*)\]\s*)?)?(?P<text>.*)"
)
_PREFIX = re.compile(r"\([\w ]+ pid=\d+\)\s*")  # 0.26 puts it before every line of a traceback
_LEVELS = {name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}

_OUT_OF_MEMORY = re.compile(
    r"OutOfMemoryError|CUDA (?:error: )?out of memory|CUDA Error: out of memory|HIP out of memory"
    r"|Free memory on device .* on startup is less than|No available memory for the cache blocks",
    re.IGNORECASE,
)
_CHATTER = re.compile(r"Route: /|non-default args:|Available routes are")
_SHARDS = re.compile(r"Loading \S+ checkpoint shards:\s+(\d+)% Completed")
_CAPTURING = re.compile(r"Capturing CUDA graphs?[^:]*:\s+(\d+)%")

# In the order of a start; a later line never leads back (a model with two parts compiles twice).
_STAGES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"vLLM API server version|version .* model|Initializing a V1 LLM engine"), "starting"),
    (re.compile(r"Starting to load model|Loading model from scratch|Loading weights took"), "loading weights"),
    (re.compile(r"Using cache directory: .* torch\.compile|Starting torch\.compile|Dynamo bytecode"), "compiling"),
    (re.compile(r"Directly load the compiled graph|GPU KV cache size|Graph capturing finished"), "warming up"),
    (re.compile(r"Starting vLLM server on|Application startup complete"), "opening its endpoint"),
)
_EXCEPTION = re.compile(r"\s*(?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception)\b|vllm\b.*: error: ")
# What only says that something else went wrong.
_CONSEQUENCE = re.compile(r"Engine core initialization failed|EngineCore failed to start|EngineCore encountered")
MOST_LINE_CHARS = 2000
_MOST_ERROR_CHARS = 300


class VllmLog:
    """Reads the log of one life of vLLM, line by line."""

    def __init__(self) -> None:
        self.status = "starting"
        """What it is doing, for people."""
        self.last_error = ""
        """The last line that looked like the cause of a failure, before anybody was served."""
        self.out_of_memory_at_s: float | None = None
        """When it last said that the memory of its GPU does not suffice, by the clock of whoever reads."""
        self.serving = False
        """Set it once requests are served: from then on texts may be private."""
        self._stage = 0

    def read(self, line: str, now_s: float) -> tuple[int, str]:
        """Take in one line; return the level and the text to log it with."""
        line = line[:MOST_LINE_CHARS]
        if _OUT_OF_MEMORY.search(line):
            self.out_of_memory_at_s = now_s
        match = _LINE.fullmatch(line)
        level = _LEVELS[match["level"]] if match and not _CHATTER.search(line) else logging.DEBUG
        place = (match["place"] or match["process"] or "") if match else ""
        if self.serving:
            if level >= logging.WARNING:  # the place is enough for an engineer to go on with
                return level, f"{logging.getLevelName(level).lower()} at {place or 'an unknown place'} (text at DEBUG)"
            return logging.DEBUG, line
        self._follow(line)
        text = match["text"] if match else _PREFIX.sub("", line)
        if level >= logging.ERROR or _EXCEPTION.match(text):
            level = max(level, logging.ERROR)
            if not _CONSEQUENCE.search(text):
                self.last_error = text.strip()[:_MOST_ERROR_CHARS] or self.last_error
        return level, f"{place}: {text}" if place else text

    def _follow(self, line: str) -> None:
        if match := _SHARDS.search(line):
            self._reach(1, f"loading weights ({match[1]} %)")
        elif match := _CAPTURING.search(line):
            self._reach(3, f"capturing graphs ({match[1]} %)")
        else:
            for stage, (pattern, status) in enumerate(_STAGES):
                if pattern.search(line):
                    self._reach(stage, status)

    def _reach(self, stage: int, status: str) -> None:
        if stage >= self._stage:
            self._stage, self.status = stage, status


class LineSplitter:
    """Cuts a byte stream into lines, at carriage returns (progress bars) too; never keeps more than a long line."""

    _MOST_BYTES = 64 * 1024

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that are complete by now, without empty ones."""
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + data)
        if len(self._rest) > self._MOST_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            if text := line.decode(errors="replace").strip():
                yield text
