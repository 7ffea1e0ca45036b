"""What the agent adds to a language model's own time, through each door, against asking the model directly.

    python -m benchmarks.agent_overhead [--requests 100] > benchmarks/results/agent-overhead.json

A scripted OpenAI server answers at once and writes into its first token when (CLOCK_MONOTONIC, which all processes of a
machine share) it had read the request and when it wrote the token. `before_ms`: from the client's request to the
model's having it; `after_ms`: from the model's first token to the client's having that; `both_ms`: their sum. The same
client asks directly, through the OpenAI-compatible door and through the Wyoming door, in turns and in one run, so that
what else the machine does hits all three. `added_ms` is a door's less the direct one's, for 5th percentile
(what it takes while the machine does nothing else), median and 95th percentile.

The conversation server is the real one in a process of its own; beside it, in another, the control plane's side: leases
granted at once, real reports, joiner and store, real facts (of a known speaker where the client is a program). `talk`
has no house; `house` the test house, whose names the fast path looks for first in every sentence.

More requests in a row would measure a history with more turns at the same time than any house has: a turn stays open
for a while. On a machine that does other things, too, `chrt -f 10 python -m ...` (as root) lets all of these processes
go first; `real_time` says so.

`server_cpu_ms_per_answer` is the conversation server's processor time for all of an answer, not only what is before
its first token.

Exits with 1 where a door adds more than 10 ms (95th percentile).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import yaml
from wyoming.asr import Transcript
from wyoming.client import AsyncClient

from avatar_appliance.control.fact_server import FactServer
from avatar_appliance.control.report_server import ReportServer
from avatar_appliance.coordinator.lease_server import LeaseServer
from avatar_appliance.facts import Origin
from avatar_appliance.store import Store
from avatar_appliance.turns import TurnJoiner
from benchmarks.lease_latency import TrivialBook

ROOT = Path(__file__).parents[1]
LIMIT_MS = 10.0
KEY = "a-key-of-some-length"
WARM_UP = 20
SENTENCES = (
    "tell me a joke about the weather", "what should I cook for dinner tonight", "explain why the sky is blue",
    "how do I get a wine stain out of a carpet", "is it a good idea to plant tomatoes now",
)  # fmt: skip
HEADERS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

Ask = Callable[[str, int], Awaitable[tuple[float, float]]]


def now_ms() -> float:
    return time.monotonic_ns() / 1e6


# -- the model -----------------------------------------------------------------------------------------------------


async def be_model(port: int) -> None:
    """Be the scripted OpenAI server until killed."""
    server = await asyncio.start_server(_model_connection, "127.0.0.1", port)
    await server.serve_forever()


async def _model_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(
                (int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length")), 0
            )
            await reader.readexactly(length)
            if head.startswith("get"):
                body = b'{"data": [{"id": "scripted"}]}'
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                continue
            read_ms = now_ms()
            writer.write(HEADERS)
            writer.write(_chunk(_event({"content": f"{read_ms:.3f} {now_ms():.3f} "})))
            await asyncio.sleep(0.002)  # the next token is a packet of its own
            writer.write(_chunk(_event({"content": "and so on."})) + _chunk(_event({}, "stop")))
            writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# -- the control plane's side --------------------------------------------------------------------------------------


async def be_control(runtime_dir: Path) -> None:
    """Be leases, reports and facts until killed."""
    leases = LeaseServer(runtime_dir, TrivialBook())
    await leases.start()
    async with Store.open(runtime_dir / "store") as store:
        for number in range(20):
            origin = Origin(connection_id="x", started_at=float(number))
            text = f"fact number {number} about tea, chess and the garden"
            await store.facts.remember(text, learned_by="phrase", origin=origin, at=float(number), speaker="anna")
        joiner = TurnJoiner(store.turns, None, clock=time.time)
        reports, facts = ReportServer(runtime_dir, joiner), FactServer(runtime_dir, store)
        await reports.start()
        await facts.start()
        await asyncio.Event().wait()


# -- the clients ---------------------------------------------------------------------------------------------------


def chat_client(http: httpx.AsyncClient, **more: Any) -> Ask:
    """Return what asks an OpenAI-compatible endpoint and measures."""

    async def ask(text: str, number: int) -> tuple[float, float]:
        body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": text}], **more}
        if "user" in more:
            body["user"] = f"{more['user']}-{number // 5}"
        sent_ms = now_ms()
        async with http.stream("POST", "chat/completions", json=body) as response:
            first: tuple[float, float] | None = None
            async for line in response.aiter_lines():
                if first is None and line.startswith("data:"):
                    got_ms = now_ms()
                    if delta := _delta(line):
                        first = _measured(sent_ms, got_ms, delta)
        assert first is not None, response.status_code
        return first

    return ask


def wyoming_client(port: int) -> Ask:
    """Return what asks the Wyoming door and measures, a connection for each question as Home Assistant makes them."""

    async def ask(text: str, number: int) -> tuple[float, float]:
        async with AsyncClient.from_uri(f"tcp://127.0.0.1:{port}") as client:
            context = {"conversation_id": f"w-{number // 5}"}
            sent_ms = now_ms()
            await client.write_event(Transcript(text, language="en", context=context).event())
            first: tuple[float, float] | None = None
            while (event := await client.read_event()) is not None and event.type != "handled":
                if event.type == "handled-chunk" and first is None:
                    first = _measured(sent_ms, now_ms(), event.data["text"])
        assert first is not None, event
        return first

    return ask


def _delta(line: str) -> str:
    data = line.removeprefix("data:").strip()
    if data == "[DONE]":
        return ""
    choices = json.loads(data)["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


def _measured(sent_ms: float, got_ms: float, text: str) -> tuple[float, float]:
    read_ms, wrote_ms = map(float, text.split()[:2])
    return read_ms - sent_ms, got_ms - wrote_ms


# -- the run -------------------------------------------------------------------------------------------------------


async def measured(requests: int, *, house: bool) -> dict[str, Any]:
    """Start everything, ask, and return the figures."""
    ports = _free_ports(3)
    with tempfile.TemporaryDirectory(prefix="agent") as name:
        folder = Path(name)
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(_config(folder, *ports, house=house)), encoding="utf-8")
        me = ["-m", "benchmarks.agent_overhead"]
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_child(*me, "--be", "model", str(ports[0])))
            await stack.enter_async_context(_child(*me, "--be", "control", str(folder)))
            serve = ["-m", "wyoming_servers", "--config", str(config), "serve", "conversation"]
            server = await stack.enter_async_context(_child(*serve))
            direct = await stack.enter_async_context(_http(ports[0], "none"))
            door = await stack.enter_async_context(_http(ports[2], KEY))
            ways: dict[str, Ask] = {
                "direct": chat_client(direct),
                "openai_door": chat_client(door, user="u", metadata={"speaker": "anna"}),
                "wyoming_door": wyoming_client(ports[1]),
            }
            await _up(ways)
            began_ms = _cpu_ms(server)
            figures = await _asked(ways, requests)
            cpu_ms = (_cpu_ms(server) - began_ms) / (2 * (requests + WARM_UP))
    direct_figures = figures["direct"]
    for name, found in figures.items():
        if name != "direct":
            found["added_ms"] = {
                key: round(value - direct_figures["both_ms"][key], 2) for key, value in found["both_ms"].items()
            }
    return {**figures, "server_cpu_ms_per_answer": round(cpu_ms, 2)}


async def _asked(ways: dict[str, Ask], requests: int) -> dict[str, Any]:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(requests + WARM_UP):
        for name, ask in ways.items():
            found = await ask(SENTENCES[number % len(SENTENCES)], number)
            if number >= WARM_UP:
                taken[name].append(found)
            await asyncio.sleep(0.005)  # what an answer leaves to do is not part of the next one's time
    return {
        name: {
            "before_ms": _figures([before for before, _ in found]),
            "after_ms": _figures([after for _, after in found]),
            "both_ms": _figures([before + after for before, after in found]),
        }
        for name, found in taken.items()
    }


def _figures(values: list[float]) -> dict[str, float]:
    parts = statistics.quantiles(values, n=20)
    return {"p5": round(parts[0], 2), "median": round(statistics.median(values), 2), "p95": round(parts[-1], 2)}


async def _up(ways: dict[str, Ask]) -> None:
    for name, ask in ways.items():
        for _ in range(600):
            try:
                await ask(SENTENCES[0], 0)
                break
            except (OSError, httpx.HTTPError, AssertionError):
                await asyncio.sleep(0.1)
        else:
            raise SystemExit(f"{name} does not answer")


def _config(folder: Path, model: int, wyoming: int, door: int, *, house: bool) -> dict[str, Any]:
    fakes = {f"unused-{role}": {"engine": "fake", "fake_role": role} for role in ("asr", "tts")}
    return {
        "host": "127.0.0.1",
        "asr": {"workers": ["unused-asr"]},
        "tts": {"workers": ["unused-tts"]},
        "conversation": {"workers": ["chat"], "port": wyoming, "openai_port": door, "openai_token": KEY},
        "workers": {
            **fakes,
            "chat": {"engine": "openai", "base_url": f"http://127.0.0.1:{model}/v1", "model": "scripted"},
        },
        **({"home_assistant": {"household": str(ROOT / "tests/data/house.yaml")}} if house else {}),
        "paths": {"runtime_dir": str(folder), "state_dir": str(folder / "state"), "cache_dir": str(folder / "cache")},
        "log": {"level": "WARNING"},
    }


def _cpu_ms(pid: int) -> float:
    """Return the processor time a process has used: what a busy machine does not change."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_ports(count: int) -> list[int]:
    """Return ports below those that outgoing connections of other programs take meanwhile."""
    found: list[int] = []
    for port in random.sample(range(20_000, 30_000), 200):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise SystemExit("no free ports")


@contextlib.asynccontextmanager
async def _http(port: int, key: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/v1/", headers=headers, trust_env=False, timeout=30
    ) as client:
        yield client


@contextlib.asynccontextmanager
async def _child(*arguments: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=100)
    options.add_argument("--be", nargs=2, metavar=("ROLE", "WHERE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.be is not None:
        role, where = given.be
        asyncio.run(be_model(int(where)) if role == "model" else be_control(Path(where)))
        return 0
    figures = {
        name: asyncio.run(measured(given.requests, house=house)) for name, house in (("talk", False), ("house", True))
    }
    machine = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_1_min": round(os.getloadavg()[0], 2),
        "real_time": os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR),
    }
    report = {"machine": machine, "requests": given.requests, "limit_ms": LIMIT_MS, **figures}
    json.dump(report, sys.stdout, indent=2)
    print()
    added = [
        found["added_ms"]["p95"] for ways in figures.values() for name, found in ways.items() if name.endswith("_door")
    ]
    return 0 if max(added) <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
