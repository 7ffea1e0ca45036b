"""A small Home Assistant for tests: real sockets, the official MCP server library, and faults on demand.

Its tools are those that Home Assistant 2026.11.0 listed for the test house (tests/data/assist_tools.json); how it
answers was recorded from it, too.
"""

from .fake_home_assistant import FakeHomeAssistant
from .house_state import HouseState

__all__ = ["FakeHomeAssistant", "HouseState"]
