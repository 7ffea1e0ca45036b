"""A `vllm` that behaves as vLLM 0.33 does, without a model: for tests of the worker around it and of the coordinator.

`install(folder)` writes the program; give its path as `executable:` of a vllm worker. It takes the arguments of `vllm
serve` (others end it with exit code 2, as argparse does), binds its unix socket at once and listens when it is loaded,
prints lines of the true log, sleeps and wakes, and claims its bytes on a simulated GPU where the environment names one.
What goes wrong is in the environment variable FAKE_VLLM, as JSON: see `Script`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from dataclasses import dataclass, fields
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

VARIABLE = "FAKE_VLLM"
NOT_PRIVATE = "the answer of the fake"


@dataclass(frozen=True)
class Script:
    stage_s: float = 0.0
    """Seconds each stage of the start takes."""
    fail: str = ""
    """oom, free-memory (both as vLLM says it), crash: how its start ends."""
    hang: bool = False
    """Never gets ready."""
    bytes: int = 0
    peak_bytes: int = 0
    sleep_bytes: int = 0
    """What it claims on the simulated GPU: ready, while it starts, asleep."""
    ignore_sigterm: bool = False
    die_after: int | None = None
    """Ends in the middle of the request after so many."""
    die_saying: str = ""
    """What it prints before that."""
    quote: str = ""
    """A text of the client's that it puts into its log, as a stumbling parser does."""


def script(**values: Any) -> dict[str, str]:
    """Return the environment for a fake with that script."""
    return {VARIABLE: json.dumps(values)}


def install(folder: Path) -> Path:
    """Write the program `vllm` into `folder` and return its path."""
    program = folder / "vllm"
    program.write_text(
        f"#!{sys.executable}\nimport runpy, sys\nsys.argv[0] = 'vllm'\n"
        f"runpy.run_path({str(Path(__file__))!r}, run_name='__main__')\n"
    )
    program.chmod(0o755)
    return program


def model_folder(folder: Path, *, weights_bytes: int = 4096) -> Path:
    """Make `folder` what looks like Qwen3-8B-AWQ, with weights of that size (sparse)."""
    folder.mkdir(parents=True)
    config = {
        "architectures": ["Qwen3ForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 36, "head_dim": 128,
        "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 40960,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    with open(folder / "model.safetensors", "wb") as file:
        file.truncate(weights_bytes)
    return folder


class Fake:
    def __init__(self, arguments: argparse.Namespace, wish: Script) -> None:
        self.arguments = arguments
        self.wish = wish
        self.asleep = False
        self.requests = 0
        self.dev_mode = os.environ.get("VLLM_SERVER_DEV_MODE") == "1" and arguments.enable_sleep_mode
        self._simulated: Any = None
        if "GPU_SIMULATION_DIR" in os.environ:
            from avatar_appliance.processes.simulated_gpu import SimulatedAllocation

            self._simulated = SimulatedAllocation.from_environment()

    def hold(self, size_bytes: int) -> None:
        if self._simulated is not None:
            self._simulated.hold(size_bytes)

    def start(self) -> None:
        wish = self.wish
        say("APIServer", "INFO", "utils.py:320", f"vLLM API server version 0.33.0, model {self.arguments.model}")
        self.stage("EngineCore", "core.py:95", "Initializing a V1 LLM engine (v0.33.0) with config: model=...")
        if wish.fail == "free-memory":
            say("EngineCore", "ERROR", "core.py:770", "EngineCore failed to start.")
            raw("ValueError: Free memory on device cuda:0 (3.1/23.5 GiB) on startup is less than desired GPU memory "
                "utilization (0.43, 10.1 GiB). Decrease GPU memory utilization.")  # fmt: skip
            fail()
        self.stage("EngineCore", "gpu_model_runner.py:4979", "Starting to load model /models/x...")
        try:
            self.hold(wish.peak_bytes)
            if wish.fail == "oom":
                raise MemoryError
        except MemoryError:
            say("EngineCore", "ERROR", "core.py:770", "EngineCore failed to start.")
            raw("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.02 GiB. GPU 0 has a total capacity of "
                "23.55 GiB of which 512.00 MiB is free.")  # fmt: skip
            fail()
        bar(
            "Loading safetensors checkpoint shards:   0% Completed | 0/2 [00:00<?, ?it/s]",
            "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  1.15it/s]",
        )
        if wish.fail == "crash":
            raw("Traceback (most recent call last):")
            raw('  File "loader.py", line 1, in load')
            raw("KeyError: 'model.layers.0.qweight'")
            fail()
        self.stage("EngineCore", "default_loader.py:507", "Loading weights took 2.41 seconds")
        self.stage("EngineCore", "gpu_model_runner.py:5089", "Model loading took 5.71 GiB memory and 3.1 seconds")
        self.stage("EngineCore", "backends.py:1125", "Using cache directory: /c for vLLM's torch.compile")
        self.stage("EngineCore", "backends.py:1187", "Dynamo bytecode transform time: 5.01 s")
        self.stage("EngineCore", "kv_cache_utils.py:1318", "GPU KV cache size: 21,840 tokens")
        bar("Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  50%|#####     | 2/4 [00:00<00:00, 11.41it/s]")
        self.stage("EngineCore", "gpu_model_runner.py:6517", "Graph capturing finished in 1 secs, took 0.07 GiB")
        while wish.hang:
            time.sleep(60)
        self.hold(wish.bytes)
        say("APIServer", "INFO", "entry.py:139", f"Starting vLLM server on unix:{self.arguments.uds}")
        raw("INFO:     Application startup complete.")

    def stage(self, process: str, place: str, text: str) -> None:
        say(process, "INFO", place, text)
        time.sleep(self.wish.stage_s)


def handler_of(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/health":  # 200 while it sleeps, too
                self._answer(200, b"")
            elif path == "/v1/models":
                name = fake.arguments.served_model_name
                self._json({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "vllm"}]})
            elif path == "/version":
                self._json({"version": "0.33.0"})
            elif path == "/is_sleeping" and fake.dev_mode:
                self._json({"is_sleeping": fake.asleep})
            else:
                self._json({"detail": "Not Found"}, 404)

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if url.path == "/sleep" and fake.dev_mode:
                level = int(parse_qs(url.query).get("level", ["1"])[0])
                if level:
                    fake.hold(fake.wish.sleep_bytes)
                    fake.asleep = True
                self._json({"status": "sleeping", "level": level})
            elif url.path == "/wake_up" and fake.dev_mode:
                self._wake(parse_qs(url.query).get("tags"))
            elif url.path in ("/v1/chat/completions", "/v1/completions"):
                self._complete(json.loads(body))
            else:
                self._json({"detail": "Not Found"}, 404)

        def _wake(self, tags: list[str] | None) -> None:
            try:
                fake.hold(fake.wish.bytes)
            except MemoryError:
                raw("CUDA Error: out of memory at csrc/cumem_allocator.cpp:139")
                self._json({"error": {"message": "CUDA Error: out of memory", "type": "InternalServerError"}}, 500)
                return
            fake.asleep = False
            self._json({"status": "awake", "tags": tags})

        def _complete(self, body: dict[str, Any]) -> None:
            fake.requests += 1
            if fake.wish.quote:
                say("APIServer", "ERROR", "hermes_tool_parser.py:201", f"cannot parse {fake.wish.quote}")
                raw(f"ValueError: {fake.wish.quote}")
                raw(fake.wish.quote)
            if fake.wish.die_after is not None and fake.requests > fake.wish.die_after:
                raw(fake.wish.die_saying)
                os._exit(1)
            if fake.asleep:
                self._json({"error": {"message": "engine is sleeping"}}, 500)
                return
            name = fake.arguments.served_model_name
            if not body.get("stream"):
                message = {"role": "assistant", "content": NOT_PRIVATE}
                self._json({"id": "x", "object": "chat.completion", "model": name, "created": 0,
                            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})  # fmt: skip
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for word in NOT_PRIVATE.split():
                choice = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
                self.wfile.write(f"data: {json.dumps({'model': name, 'choices': [choice]})}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        def _json(self, value: Any, status: int = 200) -> None:
            self._answer(status, json.dumps(value).encode(), "application/json")

        def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def say(process: str, level: str, place: str, text: str) -> None:
    raw(f"({process} pid={os.getpid()}) {level} 11-22 18:40:12 [{place}] {text}")


def raw(text: str) -> None:
    print(text, flush=True)


def bar(*texts: str) -> None:
    """Draw a progress bar as tqdm does: over itself, with an end of line at its end."""
    print("".join(f"\r{text}" for text in texts), file=sys.stderr, flush=True)


def fail() -> None:
    raw("RuntimeError: Engine core initialization failed. See root cause above.")
    os._exit(1)


def parser() -> argparse.ArgumentParser:
    """As far as the appliance uses it; `allow_abbrev` off, so that a wrong name is an error."""
    made = argparse.ArgumentParser(prog="vllm serve", allow_abbrev=False)
    made.add_argument("command", choices=["serve"])
    made.add_argument("model")
    made.add_argument("--uds", required=True)
    for name in ("served-model-name", "load-format", "dtype", "quantization", "tool-call-parser", "reasoning-parser"):
        made.add_argument(f"--{name}")
    for name in ("max-model-len", "max-num-seqs", "max-num-batched-tokens", "kv-cache-memory-bytes", "seed"):
        made.add_argument(f"--{name}", type=int)
    made.add_argument("--gpu-memory-utilization", type=float, default=0.92)
    made.add_argument("--cudagraph-capture-sizes", type=int, nargs="+")
    flags = ("enforce-eager", "enable-auto-tool-choice", "enable-sleep-mode", "enable-prompt-tokens-details")
    for name in (*flags, "disable-uvicorn-access-log"):
        made.add_argument(f"--{name}", action="store_true")
    return made


def main() -> None:
    arguments = parser().parse_args()
    values = json.loads(os.environ.get(VARIABLE) or "{}")
    wish = Script(**{field.name: values[field.name] for field in fields(Script) if field.name in values})
    if wish.ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(arguments.uds)  # before it loads, as the real one; nobody listens yet
    fake = Fake(arguments, wish)
    fake.start()
    server = Server(arguments.uds, handler_of(fake), bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
