"""Pack a checkout of the appliance: the same bytes for the same files, whatever their dates and owners.

pack.py CHECKOUT           print {"release": "0.1.0-4f2a91c07b3e"}
pack.py CHECKOUT ARCHIVE   also write the archive, a tar.gz with everything below src/
"""

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from pathlib import Path

PARTS = ("pyproject.toml", "README.md", "LICENSE", "avatar_appliance", "wyoming_servers", "systemd")


def files(checkout):
    """Yield the path of every file that belongs to a release, sorted."""
    for part in PARTS:
        path = checkout / part
        yield from [path] if path.is_file() else sorted(each for each in path.rglob("*") if wanted(each))


def wanted(path):
    """Return whether a file is more than a by-product of running the checkout."""
    return path.is_file() and path.suffix != ".pyc" and not any(part.startswith(".") for part in path.parts[-2:])


def pack(checkout):
    """Return the archive, uncompressed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files(checkout):
            member = tarfile.TarInfo(f"src/{path.relative_to(checkout).as_posix()}")
            member.size = path.stat().st_size
            member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as file:
                archive.addfile(member, file)
    return packed.getvalue()


def main(checkout, archive=None):
    """Print the name of the release, and write the archive if asked to."""
    version = re.search(r'__version__ = "([^"]+)"', (checkout / "avatar_appliance/__init__.py").read_text()).group(1)
    packed = pack(checkout)
    if archive:
        Path(archive).write_bytes(gzip.compress(packed, mtime=0))
    print(json.dumps({"release": f"{version}-{hashlib.sha256(packed).hexdigest()[:12]}"}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
