"""Read a plan: the file, what `--set` puts above it, its paths, its shape, its rules, its plug-ins' options.

All mistakes are told at once, each with file, line and key.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.errors import PlanError, Problem
from engine.plan.catalogue import description, nearest_key
from engine.plan.derived import with_derived
from engine.plan.document import Document
from engine.plan.files import open_plan, parse_plan
from engine.plan.findings import Finding
from engine.plan.keypath import KeyPath
from engine.plan.model import Plan
from engine.plan.options import option_findings
from engine.plan.overrides import apply_sets
from engine.plan.paths import resolve_paths
from engine.plan.rules import broken_rules
from engine.plan.shape import shape_findings


@dataclass(frozen=True, slots=True)
class EffectivePlan:
    """A plan that is fit to run, and where its values come from.

    Attributes:
        plan: the values, paths absolute, defaults filled in.
        document: what the file and `--set` said.
    """

    plan: Plan
    document: Document

    @property
    def source(self) -> str:
        return self.document.source

    def problem(self, path: KeyPath, message: str, nearest: str | None = None) -> Problem:
        """A mistake that shows only later, such as a category that the prompt set has not, at its line."""
        return self.document.problem(Finding(path, message, nearest))


def read_plan(path_or_name: str | Path, sets: Sequence[str] = (), *, options: bool = True) -> EffectivePlan:
    """Read a file or a shipped plan.

    Args:
        path_or_name: a TOML file, or a name of `list_shipped`.
        sets: `a.b=c`, each put above what the file says; see `overrides.apply_sets`.
        options: load the named plug-ins, which check their `options`. Without it, `check_options` does so later.

    Raises:
        PlanError: everything that is wrong with it.
        UsageError: arena-tui is not installed, so that plug-ins cannot be found.
    """
    return _effective(open_plan(path_or_name), sets, options)


def read_plan_text(
    text: str, *, source: str = "plan", folder: Path | None = None, options: bool = True
) -> EffectivePlan:
    """Read a plan that is no file, such as one that was stored with its job; see `read_plan`.

    Args:
        source: what messages call it; the run's name, where the plan has none.
        folder: what its relative paths are relative to; the current folder by default.
    """
    return _effective(parse_plan(text, source, folder or Path.cwd(), Path(source).stem), (), options)


def check_options(effective: EffectivePlan) -> tuple[Problem, ...]:
    """Load the plug-ins that a plan names and let them check their options."""
    return tuple(map(effective.document.problem, option_findings(effective.document.data)))


def _effective(document: Document, sets: Sequence[str], options: bool) -> EffectivePlan:
    problems = apply_sets(document, sets)
    findings = resolve_paths(document)
    plan, wrong = _checked(_filled(document))
    findings += wrong
    if options:
        findings += option_findings(document.data)
    problems += [document.problem(finding) for finding in findings]
    if plan is None or problems:
        raise _plan_error(document.source, problems)
    return EffectivePlan(plan, document)


def _filled(document: Document) -> Any:
    """The document's tables with the run's name and what is derived filled in."""
    data = deepcopy(document.data)
    run = data.setdefault("run", {})
    if isinstance(run, dict):
        run.setdefault("name", _run_name(document.stem))
    return with_derived(data)


def _run_name(stem: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in ".+-_" else "-" for letter in stem)
    return kept.lstrip(".+-_")[:100] or "run"


def _checked(data: Any) -> tuple[Plan | None, list[Finding]]:
    """The plan, if it is one; where a rule and the shape complain of one place, the rule is heard."""
    findings = list(broken_rules(data))
    try:
        return Plan.model_validate(data), findings
    except ValidationError as error:
        places = {finding.path for finding in findings}
        shape = shape_findings(error, data, nearest_key, description)
        return None, findings + [finding for finding in shape if finding.path not in places]


def _plan_error(source: str, problems: list[Problem]) -> PlanError:
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, problem.key))
    count = "one mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
    return PlanError(f"the plan {source} has {count}", tuple(ordered))
