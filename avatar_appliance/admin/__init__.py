"""The HTTP door of the control plane: `app` wires it, `server` serves it, `api/` has one file per resource.

Nothing is imported here: the command line needs `token` without the web framework.
"""

from __future__ import annotations
