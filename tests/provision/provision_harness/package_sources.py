"""Where this machine gets packages from: a container made on it gets them from there, too, mirror or proxy included."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .shell import run

# Variables by which pip, and the TLS libraries below it, are told where to look.
_VARIABLES = re.compile(r"(PIP_\w+|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)", re.IGNORECASE)
_KEYRINGS = Path("/usr/share/keyrings")


def apt_sources(suite: str) -> str:
    """Return this machine's Debian sources, moved to `suite`; Debian's own mirror where it is no Debian."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    here = release.get("VERSION_CODENAME", "").strip('"')
    file = Path("/etc/apt/sources.list.d/debian.sources")
    if release.get("ID") == "debian" and file.exists():
        return re.sub(rf"\b{here}\b", suite, file.read_text())
    return f"deb http://deb.debian.org/debian {suite} main\n"


def carry_over(root: Path) -> None:
    """Give the system below `root` this machine's package set-up: apt options, CA certificates, pip's configuration."""
    for options in Path("/etc/apt/apt.conf.d").glob("*"):
        if options.is_file() and re.search(r"^\s*Acquire::", options.read_text(errors="replace"), re.MULTILINE):
            shutil.copy(options, root / "etc/apt/apt.conf.d")
    certificates = root / "usr/local/share/ca-certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    for own in [*Path("/usr/local/share/ca-certificates").rglob("*.crt"), *Path("/etc/ssl/certs").glob("*-ca.pem")]:
        if own.is_file() and not own.is_symlink():
            shutil.copy(own, certificates / f"{own.stem}.crt")
    run("chroot", str(root), "update-ca-certificates")
    for file in (Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf")):
        if file.exists():
            (root / file.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / file.relative_to("/"))
    wanted = {name: value for name, value in os.environ.items() if _VARIABLES.fullmatch(name)}
    (root / "etc/environment").write_text("".join(f"{name}={value}\n" for name, value in sorted(wanted.items())))


def local_folders() -> list[Path]:
    """Return the folders of this machine that its pip takes packages from: a container must see them as well."""
    said = run("python3", "-m", "pip", "config", "list") + " ".join(
        os.environ.get(name, "") for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT")
    )
    named = {Path(path) for path in re.findall(r"(?:(?<=[\s='\"])|(?<=^)|(?<=file://))(/[^\s'\"]+)", said)}
    folders = {path if path.is_dir() else path.parent for path in named if path.exists()}
    return sorted(folder for folder in folders if not folder.is_relative_to("/etc/ssl") and folder != Path("/"))
