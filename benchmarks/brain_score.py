"""How well the brain acts on a house: the questions of tests/data/questions.yaml, in English and in Chinese.

    python3 -m benchmarks.brain_score                                    # the fast path alone
    python3 -m benchmarks.brain_score --model qwen2.5-coder-0.5b-instruct-q4
    python3 -m benchmarks.brain_score --worker '{"engine": "llama-cpp", "model": "my.gguf", "tools": "auto"}'
    python3 -m benchmarks.brain_score --url http://192.168.1.20:8000/v1 [--name Qwen/Qwen3-8B]
    python3 -m benchmarks.brain_score --config config.yaml --worker chat

Each writes NAME.json and NAME.md to benchmarks/results/ (`--output FOLDER`). With a model the real conversation server
and the real worker run as processes of their own and are asked over Wyoming; the house is a small Home Assistant with
the official MCP server library. Exits with 1 where anything was switched that should not have been.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # for `house_harness`

from house_harness.fast_answers import Examined, FastAnswers, fast_answers
from house_harness.questions import LANGUAGES, Wish, wishes
from house_harness.whole_brain import WholeBrain, whole_brain

from benchmarks.brain_score_report import as_markdown, report

RESULTS = Path(__file__).parent / "results"
# Room for the house and the tools in both languages side by side, and for the questions. (llama.cpp shares one window
# between its conversations: what does not fit is read anew with every change of language.)
CONTEXT_TOKENS = 16_384


def main() -> int:
    options = _options()
    worker = _worker(options)
    name = options.label or _label(options, worker)
    languages = options.language or list(LANGUAGES)
    chosen = [
        wish for wish in wishes() if wish.language in languages and (not options.kind or wish.kind in options.kind)
    ]
    chosen.sort(key=lambda wish: wish.language)  # a small window then reads each language's prompt once
    examined, quick = asyncio.run(_run(worker, chosen, languages, options))
    command = "python3 -m benchmarks.brain_score" + "".join(f" {shlex.quote(part)}" for part in sys.argv[1:])
    found = report(name, command, examined, quick)
    options.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (options.output / f"brain-{name}.json").write_text(f"{text}\n", "utf-8")
    (options.output / f"brain-{name}.md").write_text(as_markdown(found), "utf-8")
    print(as_markdown(found))
    return 1 if found["total"]["all"]["wrong_action"] else 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    of = options.add_mutually_exclusive_group()
    of.add_argument("--model", help="a model of the catalogue, run by llama.cpp and offered the tools")
    of.add_argument("--url", help="base URL of an OpenAI-compatible endpoint, ending before /chat/completions")
    of.add_argument("--worker", help="a worker section as JSON, or with --config the name of one")
    options.add_argument("--config", type=Path, help="the configuration that has the worker")
    options.add_argument("--name", help="with --url: the model to ask for")
    options.add_argument("--api-key", help="with --url: bearer token")
    options.add_argument("--no-tools", action="store_true", help="the model is not offered the tools: it only talks")
    options.add_argument("--context-tokens", type=int, help="the model's window; a local model's default: 16384")
    options.add_argument("--answer-s", type=float, default=120.0, help="how long an answer is waited for")
    options.add_argument("--within-s", type=float, help="no question is begun later than that: a slow machine's part")
    options.add_argument("--kind", action="append", help="only questions of this kind; may be repeated")
    options.add_argument("--language", action="append", choices=LANGUAGES, help="only questions in this language")
    options.add_argument("--label", help="what the results are called")
    options.add_argument("--output", type=Path, default=RESULTS)
    return options.parse_args()


def _worker(options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the worker section; None: the fast path alone."""
    window = {"context_tokens": options.context_tokens} if options.context_tokens else {}
    tools = {"tools": "off" if options.no_tools else "auto"}
    if options.model:
        return {"engine": "llama-cpp", "model": options.model, "context_tokens": CONTEXT_TOKENS, **tools, **window}
    if options.url:
        optional = {"model": options.name, "api_key": options.api_key}
        given = {key: value for key, value in optional.items() if value}
        return {"engine": "openai", "base_url": options.url, **given, **tools, **window}
    if options.worker is None:
        return None
    if options.config is None:
        return dict(json.loads(options.worker))
    workers = yaml.safe_load(options.config.read_text("utf-8"))["workers"]
    return {**workers[options.worker], **window}


def _label(options: argparse.Namespace, worker: dict[str, Any] | None) -> str:
    if worker is None:
        return "fast-path"
    label = str(worker.get("model") or options.worker or "model").rpartition("/")[2].lower()
    return f"{label}-no-tools" if options.no_tools else label


async def _run(
    worker: dict[str, Any] | None, chosen: list[Wish], languages: list[str], options: argparse.Namespace
) -> tuple[list[Examined], dict[int, bool]]:
    """Return what came of each wish, and which of them the fast path takes."""
    async with fast_answers(model_acts=worker is None or _acts(worker)) as house:
        alone = await _asked(house, chosen)
    quick = {id(one.wish): not one.verdict.left for one in alone}
    if worker is None:
        return alone, quick
    async with whole_brain(worker, answer_s=options.answer_s, languages=languages) as brain:
        return await _asked(brain, chosen, options.within_s), quick


def _acts(worker: dict[str, Any]) -> bool:
    return bool(worker.get("tools", "off" if worker["engine"] == "llama-cpp" else "auto") == "auto")


async def _asked(house: FastAnswers | WholeBrain, chosen: list[Wish], within_s: float | None = None) -> list[Examined]:
    found: list[Examined] = []
    until_s = math.inf if within_s is None else time.monotonic() + within_s
    for number, wish in enumerate(chosen, 1):
        if time.monotonic() > until_s:
            print(f"the time is over: {len(found)} of {len(chosen)} asked", file=sys.stderr)
            break
        found.append(await house.examine(wish))
        if number % 10 == 0 or number == len(chosen):
            print(f"{number} of {len(chosen)}", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
