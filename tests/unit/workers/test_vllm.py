"""The worker around vLLM, against a program that behaves like it."""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from engine_fakes import fake_vllm

from avatar_appliance.config.gpu_workers import VllmWorker
from avatar_appliance.engines.errors import EngineMissing
from avatar_appliance.errors import ConfigError, OutOfMemory, WorkerFailed
from wyoming_servers.workers.vllm import serve_vllm

PRIVATE = "my safe's number is 4711"


class Run:
    """One life of the worker in this process; `work` runs beside it once it is ready, then SIGTERM ends it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.socket = folder / "worker-llm.sock"
        self.model = fake_vllm.model_folder(folder / "Qwen3-8B-AWQ")
        self.program = fake_vllm.install(folder)
        self.statuses: list[str] = []
        self.errors: list[BaseException] = []
        self.ends_by_itself_s = 0.0
        """How long it gets to end before the SIGTERM."""
        self._folder = folder
        self._monkeypatch = monkeypatch

    def settings(self, **values: Any) -> VllmWorker:
        base: dict[str, Any] = {"engine": "vllm", "model": str(self.model), "executable": self.program}
        return VllmWorker(**{**base, **values})

    def __call__(
        self, work: Callable[[httpx.Client], object] = lambda _: None, wish: dict[str, Any] | None = None, **values: Any
    ) -> None:
        self._monkeypatch.setenv(fake_vllm.VARIABLE, json.dumps(wish or {}))
        # A real SIGTERM to this process: whatever is left of the handlers afterwards must not end the tests.
        previous = signal.signal(signal.SIGTERM, signal.SIG_IGN)

        over = threading.Event()
        beside = threading.Thread(target=self._beside, args=(work, over), daemon=True)
        try:
            serve_vllm(
                self.settings(**values),
                self.model,
                self.socket,
                self._folder,
                status=self.statuses.append,
                ready=beside.start,
            )
        finally:
            over.set()
            if beside.ident is not None:
                beside.join()  # its SIGTERM must not meet a later test
            signal.signal(signal.SIGTERM, previous)
        if self.errors:
            raise self.errors[0]

    def _beside(self, work: Callable[[httpx.Client], object], over: threading.Event) -> None:
        try:
            with httpx.Client(
                base_url="http://worker", transport=httpx.HTTPTransport(uds=str(self.socket)), timeout=10
            ) as client:
                work(client)
        except BaseException as error:  # noqa: BLE001 - raised by the test
            self.errors.append(error)
        finally:
            if not over.wait(self.ends_by_itself_s):
                os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def run(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(runtime_dir, monkeypatch)


def chat(client: httpx.Client, text: str = "hello") -> httpx.Response:
    body = {"model": "x", "messages": [{"role": "user", "content": text}]}
    return client.post("/v1/chat/completions", json=body)


def test_it_tells_how_far_it_is_serves_once_it_is_healthy_and_ends_on_sigterm(run: Run) -> None:
    def work(client: httpx.Client) -> None:
        assert client.get("/v1/models").json()["data"][0]["id"] == "Qwen3-8B-AWQ"
        assert chat(client).json()["choices"][0]["message"]["content"] == fake_vllm.NOT_PRIVATE
        # No password on this door: nobody else may open it.
        assert stat.S_IMODE(run.socket.stat().st_mode) & 0o077 == 0

    run(work)
    assert run.statuses == [
        "loading weights",
        "loading weights (0 %)",
        "loading weights (50 %)",
        "loading weights",
        "compiling",
        "warming up",
        "capturing graphs (50 %)",
        "warming up",
        "opening its endpoint",
    ]
    assert not run.socket.exists()


def test_a_socket_of_an_earlier_life_is_no_obstacle(run: Run) -> None:
    run.socket.touch()
    run(lambda client: client.get("/health").raise_for_status())


@pytest.mark.parametrize("fail", ["oom", "free-memory"])
def test_too_little_gpu_memory_at_the_start_is_told_apart_from_other_failures(run: Run, fail: str) -> None:
    with pytest.raises(OutOfMemory, match="exit code 1"):
        run(wish={"fail": fail})


def test_another_failed_start_gives_its_cause(run: Run) -> None:
    with pytest.raises(WorkerFailed, match=r"did not start \(exit code 1\): KeyError: 'model\.layers\.0\.qweight'"):
        run(wish={"fail": "crash"})


def test_arguments_it_does_not_know_are_a_configuration_error(run: Run) -> None:
    with pytest.raises(ConfigError, match="unrecognized arguments: --no-such-option"):
        run(extra_args=["--no-such-option"])


class StopWhen(list[str]):
    """Ends the worker when it hears a status."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self._status = status

    def append(self, text: str) -> None:
        super().append(text)
        if text == self._status:
            os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_in_the_middle_of_a_start_ends_it_at_once(run: Run) -> None:
    run.statuses = StopWhen("warming up")
    run(wish={"hang": True})
    assert not run.socket.exists()


def test_an_end_in_mid_service_is_a_failure_and_for_lack_of_memory_that_kind(run: Run) -> None:
    def work(client: httpx.Client) -> None:
        with pytest.raises(httpx.HTTPError):
            chat(client)

    run.ends_by_itself_s = 30
    with pytest.raises(WorkerFailed, match=r"^vLLM ended by itself \(exit code 1\)$"):
        run(work, wish={"die_after": 0, "die_saying": f"assert {PRIVATE}"})
    with pytest.raises(OutOfMemory):
        run(work, wish={"die_after": 0, "die_saying": "torch.OutOfMemoryError: CUDA out of memory."})


def test_what_people_say_stays_out_of_the_log(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run(lambda client: chat(client, PRIVATE), wish={"quote": PRIVATE})
    shown = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in shown if PRIVATE in record.getMessage()]
    assert "error at hermes_tool_parser.py:201 (text at DEBUG)" in [record.getMessage() for record in shown]
    # It does arrive: the test above could fail.
    assert [record for record in caplog.records if PRIVATE in record.getMessage()]


def test_it_sleeps_and_wakes_through_its_own_endpoints(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatar_appliance.processes.simulated_gpu import FOLDER_VARIABLE, SimulatedCard

    card = SimulatedCard(tmp_path / "gpu")
    card.lay(1000)
    monkeypatch.setenv(FOLDER_VARIABLE, str(card.folder))

    def held() -> int:
        return sum(holding.size_bytes for holding in card.holdings())

    def work(client: httpx.Client) -> None:
        assert held() == 600
        client.post("/sleep?level=1").raise_for_status()
        assert (held(), client.get("/is_sleeping").json()) == (90, {"is_sleeping": True})
        assert client.get("/health").status_code == 200  # as the real one: no proof that it is awake
        (card.folder / str(os.getpid())).write_text('{"bytes": 700}')  # somebody took the room meanwhile
        assert client.post("/wake_up").status_code == 500
        assert client.get("/is_sleeping").json() == {"is_sleeping": True}
        (card.folder / str(os.getpid())).unlink()
        client.post("/wake_up").raise_for_status()
        assert (held(), client.get("/is_sleeping").json()) == (600, {"is_sleeping": False})

    run(work, wish={"bytes": 600, "peak_bytes": 800, "sleep_bytes": 90})
    assert held() == 0


def test_without_sleep_the_development_endpoints_are_not_there(run: Run) -> None:
    def work(client: httpx.Client) -> None:
        assert client.post("/sleep?level=1").status_code == 404

    run(work, sleep_level=0)


def test_it_has_to_be_installed_or_named(run: Run, runtime_dir: Path) -> None:
    with pytest.raises(EngineMissing) as caught:
        run(executable=None)
    assert "avatar workers install vllm" in caught.value.hint
    with pytest.raises(ConfigError, match="cannot be run"):
        run(executable=runtime_dir / "nothing")


def test_it_runs_from_the_environment_of_its_engine(run: Run, runtime_dir: Path) -> None:
    build = runtime_dir / "venvs/vllm-0123-py311"
    (build / "bin").mkdir(parents=True)
    for name in ("vllm", "python"):
        (build / "bin" / name).symlink_to(run.program)
    (build / "avatar-engine.json").write_text('{"fingerprint": "f", "python": "3.11.7"}')
    (runtime_dir / "venvs/vllm").symlink_to(build.name)
    run(lambda client: client.get("/health").raise_for_status(), executable=None)
