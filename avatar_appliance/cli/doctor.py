"""`avatar doctor`."""

from __future__ import annotations

import typer
from rich.markup import escape

from avatar_appliance.doctor import Finding, Severity, examine

from .app import ConfigOption, JsonOption, app, out, run, settings_from

_MARKS = {
    Severity.FINE: "[green]ok[/]     ",
    Severity.WARNING: "[yellow]warning[/]",
    Severity.PROBLEM: "[red]PROBLEM[/]",
}


@app.command()
def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check models, engines, GPU, folders, backups, units, servers and discovery, and say how to mend what is wrong."""
    settings = settings_from(config)

    async def look() -> list[Finding]:
        findings = []
        async for finding in examine(settings):
            findings.append(finding)
            if not json:
                out.print(
                    f"{_MARKS[finding.severity]} {finding.check}: {escape(finding.text)}",
                    highlight=False,
                    soft_wrap=True,
                )
                if finding.fix:
                    out.print(f"        -> {escape(finding.fix)}", highlight=False, soft_wrap=True)
        return findings

    findings = run(look())
    if json:
        out.print_json(
            data=[{"check": f.check, "severity": f.severity.value, "text": f.text, "fix": f.fix} for f in findings]
        )
    if any(finding.severity is Severity.PROBLEM for finding in findings):
        raise typer.Exit(1)
