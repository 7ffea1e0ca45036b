"""Programs that stand in for the servers a comparison starts: real child processes, no model."""

from __future__ import annotations

import sys
from pathlib import Path

# Speaks just enough Wyoming for `describe`; raw, since importing a library takes longer than everything else.
_SERVER = """
import asyncio, json, os, signal, sys

PROGRAM = {"name": "stub", "version": "9", "installed": True, "attribution": {"name": "", "url": ""}}
ENTRY = dict(PROGRAM, name=os.environ.get("STUB_ENTRY", "entry"), languages=["en"])
INFO = {
    "asr": [dict(PROGRAM, models=[ENTRY], requires_external_vad=True)],
    "tts": [dict(PROGRAM, voices=[ENTRY])],
}

async def serve(reader, writer):
    while await reader.readline():
        writer.write(json.dumps({"type": "info", "data": INFO}).encode() + b"\\n")
        await writer.drain()
    writer.close()

async def listen(port=None, path=None):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if path:
        server = await asyncio.start_unix_server(serve, path)
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", port)
    note = os.environ.get("STUB_NOTE")
    if note:
        with open(note, "a") as file:
            file.write(json.dumps({"pid": os.getpid(), "argv": sys.argv, "env": dict(os.environ)}) + "\\n")
    await stop.wait()
"""
_STOCK = """
uri = sys.argv[sys.argv.index("--uri") + 1]
asyncio.run(listen(port=int(uri.rsplit(":", 1)[1])))
"""
_OURS = """
arguments = sys.argv[1:]
config = json.load(open(arguments[arguments.index("--config") + 1]))
kind, name = arguments[-2:]
if kind == "worker":
    asyncio.run(listen(path=os.path.join(config["paths"]["runtime_dir"], f"worker-{name}.sock")))
else:
    asyncio.run(listen(port=config[name]["port"]))
"""


def stock_program(folder: Path, name: str) -> Path:
    """Write an executable that takes `--uri` as the stock servers do."""
    return _write(folder / name, _SERVER + _STOCK)


def our_program(folder: Path) -> Path:
    """Write an executable that stands in for `python -m wyoming_servers`; its configuration must be JSON."""
    return _write(folder / "python", _SERVER + _OURS)


def failing_program(folder: Path, text: str) -> Path:
    """Write an executable that says `text` on stderr and ends with code 3."""
    return _write(folder / "failing", f"import sys\nprint({text!r}, file=sys.stderr)\nsys.exit(3)\n")


def _write(file: Path, code: str) -> Path:
    file.write_text(f"#!{sys.executable} -IS\n{code}", encoding="utf-8")
    file.chmod(0o755)
    return file


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and waits for its parent to notice does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
