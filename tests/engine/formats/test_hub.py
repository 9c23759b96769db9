from __future__ import annotations

import builtins
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import MissingExtra, UsageError, UserError
from engine.formats.hub import HfImporter, guess_format
from tests.engine.formats.importing import run, write_jsonl, write_parquet
from tests.engine.formats.test_arena import conversation_row

BATTLES = [conversation_row(question_id=f"q{n}", anony=n % 2 == 0) for n in range(30)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


@pytest.mark.torch
def test_a_folder_of_parquet_reads_as_the_file_itself(folder: Path) -> None:
    write_parquet(folder / "train.parquet", BATTLES)
    imported = run(HfImporter(), folder, extra={"where": "anony=true"})
    assert imported.layout.name == "arena conversations"
    assert (imported.layout.arena, imported.layout.set_name) == ("set", "set")
    assert [b.source_id for b in imported.battles] == [f"q{n}" for n in range(0, 30, 2)]
    assert imported.reasons == {"left out by --where anony=true": 15}
    assert [row.line for row in imported.battles] == list(range(1, 31, 2))


@pytest.mark.torch
def test_columns_are_mapped_and_the_format_is_said(folder: Path) -> None:
    write_jsonl(
        folder / "train.jsonl", [{"q": {"text": "one"}, "lang": "en"}, {"q": {"text": "two"}, "lang": "de"}]
    )
    imported = run(
        HfImporter(), folder, mapping={"q.text": "text", "lang": "category"}, extra={"as": "prompts"}
    )
    assert [(p.name, p.category) for p in imported.prompts] == [("1", "en"), ("2", "de")]


@pytest.mark.torch
def test_splits_are_chosen(folder: Path) -> None:
    for split in ("train", "test"):
        write_jsonl(folder / f"{split}.jsonl", [{"id": split, "text": split}])
    with pytest.raises(UsageError, match="several splits") as error:
        run(HfImporter(), folder)
    assert "train" in str(error.value)
    assert "test" in str(error.value)
    assert [p.name for p in run(HfImporter(), folder, extra={"split": "test"}).prompts] == ["test"]
    with pytest.raises(UsageError, match="no split 'dev'"):
        run(HfImporter(), folder, extra={"split": "dev"})


PAIRS = [{"prompt": f"q{n}", "chosen": "x", "rejected": "y"} for n in range(5)]


@pytest.mark.torch
def test_a_set_that_was_saved_to_disk(folder: Path) -> None:
    import datasets

    pairs = datasets.Dataset.from_list(PAIRS)
    pairs.save_to_disk(folder / "saved")
    assert len(run(HfImporter(), folder / "saved").battles) == 5
    datasets.DatasetDict({"train": pairs, "test": pairs.select(range(2))}).save_to_disk(folder / "both")
    assert len(run(HfImporter(), folder / "both", extra={"split": "test"}).battles) == 2
    with pytest.raises(UsageError, match="several splits"):
        run(HfImporter(), folder / "both")


@pytest.mark.torch
@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_a_folder_of_files_of_any_form(folder: Path, ending: str) -> None:
    import datasets

    pairs = datasets.Dataset.from_list(PAIRS)
    file = str(folder / f"train.{ending}")
    if ending == "parquet":
        pairs.to_parquet(file)
    elif ending == "csv":
        pairs.to_csv(file)
    else:
        pairs.to_json(file, lines=ending == "jsonl")
    assert len(run(HfImporter(), folder).battles) == 5


@pytest.mark.torch
def test_what_cannot_be_loaded_is_a_clear_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        run(HfImporter(), tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="datasets cannot load") as error:
        run(HfImporter(), tmp_path / "empty")
    assert "A folder holds CSV" in error.value.mend
    with pytest.raises(UsageError, match="is a file"):
        run(HfImporter(), write_jsonl(tmp_path / "f.jsonl", [{"text": "x"}]))
    (folder / "train.jsonl").write_text('{"text": "good"}\n{"text": "cut')
    with pytest.raises(UserError):
        run(HfImporter(), folder)


def offline(name: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """`import hf NAME --dry-run` in a process of its own: whether it is offline is read once."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(cache), "COLUMNS": "100"}
    command = [sys.executable, "-m", "arena_tui", "import", "hf", name, "--dry-run"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.torch
def test_a_set_of_the_hub_that_cannot_be_had_offline_is_told_with_what_helps(tmp_path: Path) -> None:
    done = offline("lab/votes", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "datasets cannot load lab/votes" in done.stderr
    assert "HF_HUB_OFFLINE is set, and the set is not in the cache" in done.stderr
    assert "hf download lab/votes --repo-type dataset" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.torch
def test_a_set_of_the_hub_that_is_in_the_cache_is_read_offline(tmp_path: Path) -> None:
    import datasets

    # As the library leaves a set that it downloaded.
    cached = tmp_path / "lab___votes" / "default" / "0.0.0" / ("a" * 40)
    file = write_jsonl(tmp_path / "train.jsonl", PAIRS)
    loaded = datasets.load_dataset("json", data_files=str(file), cache_dir=str(tmp_path / "made"))
    made = Path(loaded["train"].cache_files[0]["filename"]).parent
    shutil.copytree(made, cached)
    (cached / "json-train.arrow").rename(cached / "votes-train.arrow")
    told = json.loads((cached / "dataset_info.json").read_text())
    (cached / "dataset_info.json").write_text(
        json.dumps(told | {"builder_name": "votes", "dataset_name": "votes"})
    )
    done = offline("lab/votes", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "would land: 5 battles" in done.stdout


@pytest.mark.parametrize("name", ["a/b/c", "../sets", "/nowhere"])
def test_what_no_set_of_the_hub_can_be_called_is_no_folder(name: str) -> None:
    with pytest.raises(UsageError, match="there is no folder") as error:
        run(HfImporter(), Path(name))
    assert "OWNER/NAME" in error.value.mend


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_datasets(name: str, *args: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "datasets":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_datasets)
    with pytest.raises(MissingExtra, match="the hf format") as error:
        run(HfImporter(), tmp_path)
    assert "arena-tui[train]" in error.value.mend


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"chosen", "rejected", "prompt"}, "preferences"),
        ({"model_a", "model_b", "winner"}, "arena"),
        ({"cmp_key"}, "arena"),
        ({"message_tree_id", "prompt"}, "oasst"),
        ({"id", "conversations"}, "sharegpt"),
        ({"model", "response", "id"}, "responses"),
        ({"instruction", "output"}, "prompts"),
    ],
)
def test_the_format_that_columns_look_like(columns: set[str], name: str) -> None:
    assert guess_format(columns) == name


def test_only_the_hub_imports_datasets_and_only_when_it_reads() -> None:
    code = (
        "import sys, pkgutil, importlib, engine.formats as f\n"
        "for m in pkgutil.walk_packages(f.__path__, 'engine.formats.'): importlib.import_module(m.name)\n"
        "print([m for m in ('datasets', 'torch', 'pyarrow', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
