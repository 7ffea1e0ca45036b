"""A real Mosquitto."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import trustme

_PLACES = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"  # Debian keeps it where only root looks


class Broker:
    """Mosquitto on a port of its own on loopback; with `users`, nobody else gets in; with `tls`, encrypted."""

    def __init__(self, folder: Path, users: dict[str, str] | None = None, tls: trustme.LeafCert | None = None) -> None:
        program = shutil.which("mosquitto", path=_PLACES)
        if program is None:
            if "CI" in os.environ:
                pytest.fail("mosquitto is missing")
            pytest.skip("needs mosquitto (scripts/system-packages test)")
        self._program = program
        self._folder = folder
        folder.mkdir(exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/"]
        if os.geteuid() == 0:
            lines.append("user root")  # else it would drop to a user who may not read the folder
        if users is None:
            lines.append("allow_anonymous true")
        else:
            passwords = folder / "passwords"
            passwords.touch(mode=0o600)
            tool = shutil.which("mosquitto_passwd", path=_PLACES)
            assert tool is not None
            for user, password in users.items():
                subprocess.run([tool, "-b", str(passwords), user, password], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        if tls is not None:
            certificate, key = folder / "broker.pem", folder / "broker.key"
            tls.cert_chain_pems[0].write_to_path(str(certificate))
            tls.private_key_pem.write_to_path(str(key))
            lines += [f"certfile {certificate}", f"keyfile {key}"]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, (self._folder / "log.txt").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> None:
        """End it in order: what is retained is kept for the next start."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None
