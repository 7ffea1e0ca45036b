"""One appliance on the real embedded models for the whole module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .appliance import Appliance


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    running = Appliance(tmp_path_factory.mktemp("appliance"))
    try:
        running.start()
        yield running
        assert running.stop() == 0
    except BaseException:
        if running.log.exists():
            print(running.log.read_text("utf-8"))
        raise
    finally:
        running.kill()
