"""`doctor`: what is in the way of a run on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena_tui.cli.running import JsonOption, StoreOption, store_path
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out, out_json, say

if TYPE_CHECKING:
    from engine.doctor.finding import Finding

app = commands()


@app.command("doctor", epilog=examples("arena-tui doctor", "arena-tui doctor --plan plan.toml"))
def doctor(
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            help="Look at this plan's mirror and servers too. A judge's gets a call.",
            metavar="PLAN",
        ),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Look for what is in the way of a run, and what one left. Changes nothing.

    It looks at the program, graphics cards, the store and its disk, jobs, processes of ours, and the terminal. Each
    line is ok, a warning, or a problem with what to do. Exit code 1 when there is a problem.
    """
    from engine.doctor.finding import Level

    findings = []
    for finding in _findings(store_path(store), plan):
        findings.append(finding)
        if not as_json:
            _print(finding)
    bad = [one for one in findings if one.level is Level.PROBLEM]
    if as_json:
        out_json({"ok": not bad, "findings": [asdict(one) for one in findings]})
    elif bad:
        say(f"{len(bad)} problem{'s' if len(bad) > 1 else ''}")
    if bad:
        raise typer.Exit(1)


def _findings(path: Path, plan: str | None) -> Iterator[Finding]:
    from arena_tui.terminal import terminal_findings
    from engine.doctor.gpu import gpu_findings
    from engine.doctor.leftovers import leftover_findings
    from engine.doctor.places import place_findings
    from engine.doctor.program import program_findings

    yield from program_findings()
    yield from gpu_findings()
    yield from place_findings(path)
    yield from leftover_findings(path)
    yield from terminal_findings()
    if plan is not None:
        yield from _findings_of_plan(plan)


def _findings_of_plan(name: str) -> Iterator[Finding]:
    from engine.doctor.endpoints import endpoint_findings
    from engine.doctor.places import mirror_finding
    from engine.plan import read_plan

    plan = read_plan(name).plan
    if plan.run.mirror is not None:
        yield mirror_finding(Path(plan.run.mirror))

    async def ask() -> list[Finding]:
        return [finding async for finding in endpoint_findings(plan)]

    yield from asyncio.run(ask())


def _print(finding: Finding) -> None:
    out(f"{finding.level:<8} {finding.topic}: {finding.text}")
    for line in finding.mend.splitlines():
        out(f"{'':<8} {line}")
