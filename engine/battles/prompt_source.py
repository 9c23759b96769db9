"""Where the prompts of a run come from: a set of the store, a file, or the pocket world."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.errors import UsageError
from engine.plan import PromptsPlan
from engine.records import Prompt
from engine.store.prompts import ListedPrompt, land_prompts, list_set, set_names
from engine.store.store import Fence, Store

POCKET = "pocket:"
_CHUNK = 2_000


def read_prompts(
    store: Store, plan: PromptsPlan, fence: Fence | None, warn: Callable[[str], None]
) -> list[ListedPrompt]:
    """The prompts that the plan asks for, landed where they are new, in the order of their set, each text once;
    the texts stay in the store.

    Raises:
        UsageError: no such set or file, no prompt that fits, or prompts whose text is unknown.
    """
    name = _land(store, plan, fence, warn)
    fitting = [prompt for prompt in list_set(store.reader, name) if _fits(plan, prompt)]
    prompts = _each_text_once(fitting)
    if len(prompts) < len(fitting):
        n = len(fitting) - len(prompts)
        warn(f"{n:,} of {len(fitting):,} prompts of '{name}' repeat the text of another: each is fought once")
    if not prompts:
        raise UsageError(f"no prompt of '{name}' fits", _filters(plan), "Look at [prompts] of the plan.")
    without = sum(not prompt.has_text for prompt in prompts)
    if without:
        raise UsageError(
            f"{without} of {len(prompts)} prompts of '{name}' have no text, so nobody can answer them",
            "They came from a battle log that only names them.",
            "Import their texts with: arena-tui import prompts FILE",
        )
    return prompts


def _each_text_once(prompts: Iterable[ListedPrompt]) -> list[ListedPrompt]:
    """A prompt is known by its text: of several names for one, the first stands for all."""
    by_key: dict[str, ListedPrompt] = {}
    for prompt in prompts:
        by_key.setdefault(prompt.key, prompt)
    return list(by_key.values())


def _land(store: Store, plan: PromptsPlan, fence: Fence | None, warn: Callable[[str], None]) -> str:
    """Land what the plan brings along; return the name of its set."""
    if plan.file is not None:
        return _land_all(store, _from_file(Path(plan.file)), fence, warn)
    assert plan.set is not None
    if plan.set.startswith(POCKET):
        from engine.pocket.world import read_prompts as pocket_prompts

        return _land_all(store, pocket_prompts(plan.set.removeprefix(POCKET)), fence, warn)
    known = dict(set_names(store.reader))
    if plan.set not in known:
        raise UsageError(
            f"the store has no prompt set '{plan.set}'",
            f"It has: {', '.join(known) or 'none'}.",
            "Import one with: arena-tui import prompts FILE; or name a file in [prompts] file.",
        )
    return plan.set


def _land_all(
    store: Store, prompts: Iterable[Prompt], fence: Fence | None, warn: Callable[[str], None]
) -> str:
    everything = list(prompts)
    contradict = 0
    for start in range(0, len(everything), _CHUNK):
        with store.write(fence) as tx:
            landed = land_prompts(tx, everything[start : start + _CHUNK])
        contradict += sum(prompt.state == "contradicts" for prompt in landed)
    name = everything[0].set_name if everything else ""
    if contradict:
        warn(f"the store has {contradict:,} prompts of '{name}' with another text, and keeps and plays that")
    return name


def _from_file(path: Path) -> list[Prompt]:
    """The prompts of a file, in a set named after the file and its content: an edited file is another set."""
    from engine.formats.prompts import PromptsImporter
    from engine.formats.rows import ImportOptions, SetAside

    if not path.is_file():
        raise UsageError(f"there is no prompt file {path}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    options = ImportOptions(set_name=f"{path.name}@{digest}", extra={"keys": "ignore"})
    importer = PromptsImporter()
    rows = list(importer.rows([path], options, importer.layout([path], options)))
    bad = [row for row in rows if isinstance(row, SetAside)]
    if bad:
        lines = "\n".join(f"  {row.file}:{row.line}: {row.reason}" for row in bad[:10])
        raise UsageError(
            f"{len(bad)} of {len(rows)} rows of {path} are no prompts", lines, "Mend or remove them."
        )
    return [row for row in rows if isinstance(row, Prompt)]


def _fits(plan: PromptsPlan, prompt: ListedPrompt) -> bool:
    if plan.categories and prompt.category not in plan.categories:
        return False
    return plan.split is None or prompt.split == plan.split


def _filters(plan: PromptsPlan) -> str:
    said = [f"categories = {list(plan.categories)}"] if plan.categories else []
    said += [f"split = '{plan.split}'"] if plan.split else []
    return f"Asked for: {', '.join(said)}." if said else ""
