"""Fresh Debian machines for `make test-provision`: systemd as PID 1 in a container of its own, with its own address."""

from .checkout import copy_of_the_checkout
from .machine import Machine
from .playbook import Playbook, PlayResult

__all__ = ["Machine", "PlayResult", "Playbook", "copy_of_the_checkout"]
