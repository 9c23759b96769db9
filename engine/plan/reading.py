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
from engine.plan.catalogue import description, nearest_key, pattern_of
from engine.plan.derived import REASONS, with_derived
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
    document = open_plan(path_or_name)
    problems = apply_sets(document, sets)
    return _effective(document, problems, resolve_paths(document), options)


def read_plan_text(text: str, *, source: str = "plan", options: bool = True) -> EffectivePlan:
    """Read an effective plan as `to_toml` prints it, such as one that was stored with its job; see `read_plan`.

    Its paths are absolute already: they are taken as they stand, and nothing is looked for on the disk.

    Args:
        source: what messages call it; the run's name, where the plan has none.
    """
    return _effective(parse_plan(text, source, Path(), source), [], [], options)


def check_options(effective: EffectivePlan) -> tuple[Problem, ...]:
    """Load the plug-ins that a plan names and let them check their options."""
    return tuple(map(effective.document.problem, option_findings(effective.document.data)))


def _effective(
    document: Document, problems: list[Problem], findings: list[Finding], options: bool
) -> EffectivePlan:
    """Check a document; `problems` and `findings` are what was found before."""
    plan, wrong = _checked(_filled(document))
    asked = list(option_findings(document.data)) if options else []
    told = problems + [
        document.problem(finding) for finding in _said_first((*findings, *wrong, *asked), document)
    ]
    if plan is None or told:
        raise _plan_error(document.source, told)
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


def _said_first(findings: Sequence[Finding], document: Document) -> list[Finding]:
    """The findings without those of values that only follow from another one, whose mistake is told already."""
    said = [finding for finding in findings if not _follows(finding.path, document)]
    return said or list(findings)


def _follows(path: KeyPath, document: Document) -> bool:
    return pattern_of(path) in REASONS and document.said(path) is None


def _plan_error(source: str, problems: list[Problem]) -> PlanError:
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, problem.key))
    count = "one mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
    return PlanError(f"the plan {source} has {count}", tuple(ordered))
