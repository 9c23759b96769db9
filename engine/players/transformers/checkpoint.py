"""A model's folder: where it is, whether it is one, and what identifies it. Reads files, imports no torch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import MissingExtra, UsageError
from engine.keys import content_hash, sampling_json
from engine.records import Sampling

POCKET = "pocket:"

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
OTHER_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "spiece.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
)
"""With the weights, what decides a model's answers."""

APPLIED = ("do_sample", "temperature", "top_p", "top_k", "max_new_tokens")
"""Of generation_config.json, with the tokens that end an answer, where the plan says nothing."""

NO_SAMPLING = frozenset(
    {
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "decoder_start_token_id",
        "transformers_version",
        "use_cache",
    }
    | {"_from_model_config", "cache_implementation", "max_length", "trust_remote_code", "output_attentions"}
    | {"output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate", "chat_format"}
)
"""What it may state beside, and what chooses no token."""

EXTRA = frozenset({"torch", "transformers", "safetensors", "tokenizers", "huggingface_hub"})
"""Packages without which the extra is not installed."""

NEUTRAL: tuple[Any, ...] = (None, False, 0, 1, [], {}, "")
"""Values with which a processor of logits does nothing."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's folder and what identifies it.

    Attributes:
        template: the chat template's text.
        sha256: hash of the files.
    """

    folder: Path
    template: str
    sha256: str


def read_checkpoint(model: str, revision: str | None) -> Checkpoint:
    """Find a model and read what identifies it.

    Raises:
        UsageError: there is no such folder or name, it holds no model, or the model cannot chat.
    """
    folder = find_checkpoint(model, revision)
    return Checkpoint(folder, read_template(folder), weights_hash(folder))


def read_template(folder: Path) -> str:
    """The chat template as the library would choose it: a file of its own, else the tokenizer's `default`.

    Raises:
        UsageError: there is none.
    """
    alone = folder / "chat_template.jinja"
    if alone.is_file():
        return alone.read_text(encoding="utf-8")
    for name in ("chat_template.json", "tokenizer_config.json"):
        stated = _json_object(folder / name).get("chat_template")
        if isinstance(stated, list):
            stated = {one.get("name"): one.get("template") for one in stated}.get("default")
        if isinstance(stated, str) and stated:
            return stated
    raise UsageError(
        f"the tokenizer of '{folder}' has no chat template",
        "A base model cannot be asked as a player.",
        "Use a chat model, or save a chat_template.jinja with it.",
    )


def find_checkpoint(model: str, revision: str | None) -> Path:
    """The folder of a model: a path, `pocket:NAME`, or a name on the hub that is in the cache or can be fetched.

    Raises:
        UsageError: there is no such folder or name, or the folder holds no model.
    """
    if model.startswith(POCKET):
        from engine.pocket.world import model_path

        return checked(Path(model_path(model.removeprefix(POCKET))))
    folder = Path(model).expanduser()
    if folder.exists() or not _HUB_NAME.fullmatch(model):
        return checked(folder)
    return checked(_from_hub(model, revision))


def checked(folder: Path) -> Path:
    """The folder itself, when it holds a model with weights.

    Raises:
        UsageError: it does not.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder '{folder}'", mend="Give the path of a saved model as 'model'.")
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise UsageError(
            f"'{folder}' holds an adapter, not a model", mend="Merge it into its base model and save that."
        )
    missing = [] if (folder / "config.json").exists() else ["config.json"]
    missing += [] if weight_files(folder) else ["weights (*.safetensors)"]
    if missing:
        raise UsageError(f"'{folder}' is no model: it has no {' and no '.join(missing)}")
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The files that hold weights, by name."""
    return sorted(path for pattern in WEIGHTS for path in folder.glob(pattern))


def weights_hash(folder: Path) -> str:
    """SHA-256 over names and contents of weights, configuration and tokenizer; the folder's own path is no part.

    Reads every byte: about a second per gigabyte.
    """
    others = (folder / name for name in OTHER_FILES)
    files = [*weight_files(folder), *(path for path in others if path.is_file())]
    listing = [[path.name, _file_hash(path)] for path in files]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


def template_hash(template: str) -> str:
    """Hash of a chat template's text."""
    return content_hash(template)


def stated_defaults(folder: Path) -> dict[str, Any]:
    """What generation_config.json states, and nothing that a library would add to it; empty without the file."""
    return _json_object(folder / "generation_config.json")


def stated_temperature(stated: Mapping[str, Any]) -> float | None:
    """Of what generation_config.json states: 0 where it says not to sample; None where it says nothing."""
    return 0.0 if stated.get("do_sample") is False else stated.get("temperature")


def notes_on_defaults(stated: Mapping[str, Any], sampling: Sampling) -> list[str]:
    """What a person should know of what generation_config.json states: what holds since the plan says nothing, and
    what is not applied at all. Either way the file is part of the model's identity."""
    said = {**sampling_json(sampling), "max_new_tokens": sampling.max_tokens}
    silent = [name for name in APPLIED if said.get(name) is None]
    if sampling.temperature is not None and "do_sample" in silent:
        silent.remove("do_sample")
    held = {name: stated[name] for name in silent if stated.get(name) is not None}
    unheeded = {
        name: value
        for name, value in stated.items()
        if name not in APPLIED and name not in NO_SAMPLING and value not in NEUTRAL
    }
    notes = []
    if held:
        notes.append(f"the plan leaves to generation_config.json, and so it holds: {_listed(held)}")
    if unheeded:
        notes.append(
            f"generation_config.json states what is not applied, since no plan can say it: {_listed(unheeded)}"
        )
    return notes


def _listed(stated: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {json.dumps(value)[:80]}" for name, value in sorted(stated.items()))


def _json_object(path: Path) -> dict[str, Any]:
    """What a JSON file states; empty without the file."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UsageError(f"'{path}' is no JSON", str(error)) from None
    return stated if isinstance(stated, dict) else {}


def is_of_extra(error: ModuleNotFoundError) -> bool:
    """Whether what is missing is a package that the extra brings, and not a part of one that is broken."""
    return error.name in EXTRA


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_hub(model: str, revision: str | None) -> Path:
    """Download, or take from the cache; HF_HUB_OFFLINE and HF_HOME are the hub library's own matter."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ModuleNotFoundError as error:
        if not is_of_extra(error):
            raise
        raise MissingExtra("the transformers player", "train", "huggingface_hub") from None
    try:
        folder = snapshot_download(
            model, revision=revision, allow_patterns=[*WEIGHTS, *OTHER_FILES, "*.index.json"]
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise UsageError(
            f"there is no folder '{model}', and no model of that name could be had from the hub",
            " ".join(str(error).split())[:300],
            "Give the path of a saved model, or a name that is in the local cache.",
        ) from None
    return Path(folder)
