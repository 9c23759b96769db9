"""What identifies a checkpoint, and what is said of one that cannot be loaded."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from engine.errors import MissingExtra, UsageError
from engine.keys import player_key
from engine.players.base import ChatReply, PlayerSpec
from engine.players.transformers import TransformersPlayer
from engine.players.transformers.checkpoint import find_checkpoint
from engine.records import ResponseStatus, Sampling
from tests.engine.players.generating import GREEDY, asked, identity, make, request

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.torch


def test_the_identity_is_of_the_files_and_not_of_their_place(checkpoint: Path, copy: Path) -> None:
    assert identity(checkpoint) == identity(copy)
    assert str(copy.parent) not in repr(identity(copy))


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "generation_config.json"]
)
def test_every_file_that_decides_answers_is_part_of_it(checkpoint: Path, copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    # White space for JSON, one weight for the weights: what the files say stays readable.
    changed = data[:-4] + b"\x00\x00\x00\x00" if name.endswith(".safetensors") else data + b"\n"
    (copy / name).write_bytes(changed)
    assert _key(copy) != _key(checkpoint)


def test_a_file_that_decides_nothing_is_no_part_of_it(checkpoint: Path, copy: Path) -> None:
    (copy / "README.md").write_text("hello")
    (copy / "optimizer.bin").write_bytes(b"x")
    assert identity(copy) == identity(checkpoint)


def test_another_template_is_another_player(checkpoint: Path, copy: Path) -> None:
    config = json.loads((copy / "tokenizer_config.json").read_text())
    config["chat_template"] += "\n"
    (copy / "tokenizer_config.json").write_text(json.dumps(config))
    assert identity(copy).template_hash != identity(checkpoint).template_hash


def _key(folder: Path) -> str:
    told = identity(folder)
    return player_key(told.facts, told.template_hash, GREEDY)


# What cannot be loaded


def opening_fails(folder: Path, **options: Any) -> str:
    """What is said when it is opened, or else when it is first asked."""
    with pytest.raises(UsageError) as raised:
        asked(make(folder, **options), [request("k", "x")])
    return str(raised.value)


def test_no_folder(tmp_path: Path) -> None:
    assert "there is no folder" in opening_fails(tmp_path / "nowhere")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert "it has no config.json and no weights" in opening_fails(tmp_path)


def test_a_folder_without_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    assert "it has no weights" in opening_fails(copy)


def test_an_adapter(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "holds an adapter, not a model" in opening_fails(tmp_path)


def test_weights_cut_short(copy: Path) -> None:
    data = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(data[: len(data) // 2])
    assert "the model in" in opening_fails(copy)


def test_a_configuration_that_is_no_json(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    assert "cannot be read" in opening_fails(copy)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_is_not_run_nor_asked_about(copy: Path, file: str) -> None:
    stated = json.loads((copy / file).read_text())
    if file == "config.json":
        stated |= {
            "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"},
            "model_type": "own",
        }
    else:
        stated |= {"auto_map": {"AutoTokenizer": ["own.Slow", "own.Fast"]}, "tokenizer_class": "Slow"}
    (copy / file).write_text(json.dumps(stated))
    (copy / "own.py").write_text(f"open({str(copy / 'ran')!r}, 'w')\nConfig = Model = Slow = Fast = object\n")
    assert "needs code that comes with it" in opening_fails(copy)
    assert not (copy / "ran").exists()


def test_a_tokenizer_without_a_chat_template(copy: Path) -> None:
    config = json.loads((copy / "tokenizer_config.json").read_text())
    del config["chat_template"]
    (copy / "tokenizer_config.json").write_text(json.dumps(config))
    assert "has no chat template" in opening_fails(copy)


def test_no_tokenizer(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    (copy / "tokenizer_config.json").unlink()
    assert opening_fails(copy)


def test_a_name_on_the_hub_that_is_not_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "no model of that name could be had" in opening_fails(Path("nobody/nothing"))


def test_no_such_device(checkpoint: Path) -> None:
    assert "there is no device 'abacus'" in opening_fails(checkpoint, device="abacus")


def test_players_that_are_first_asked_at_one_time_are_loaded_one_by_one(checkpoint: Path) -> None:
    async def run() -> list[ChatReply]:
        players = [make(checkpoint) for _ in range(6)]
        for player in players:
            await player.open()

        async def ask(player: TransformersPlayer) -> ChatReply:
            async with aclosing(player.chat([request("k", "x")])) as replies:
                return await anext(replies)

        return await asyncio.gather(*map(ask, players))

    texts = {reply.text for reply in asyncio.run(run())}
    assert texts == {asked(make(checkpoint), [request("k", "x")])["k"].text}


def test_broken_weights_are_failures_and_not_answers(copy: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(copy)
    model.model.norm.weight.data.fill_(float("nan"))
    model.save_pretrained(copy)
    reply = asked(make(copy), [request("k", "x")])["k"]
    assert (reply.status, reply.error) == (ResponseStatus.FAILED, "the model's logits are NaN")


def change_weights(copy: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    change(weights)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})


NORM = "model.layers.0.input_layernorm.weight"


def test_a_checkpoint_that_lacks_weights_is_refused_and_not_filled_at_random(copy: Path) -> None:
    change_weights(copy, lambda weights: weights.pop(NORM))
    with pytest.raises(UsageError, match="lacks 1 of its weights") as raised:
        asked(make(copy), [request("k", "x")])
    assert NORM in str(raised.value)


def test_weights_of_another_shape(copy: Path) -> None:
    change_weights(copy, lambda weights: weights.update({NORM: weights[NORM][:3].clone()}))
    with pytest.raises(UsageError, match="weights have other shapes"):
        asked(make(copy), [request("k", "x")])


def test_what_the_library_says_of_a_checkpoint_is_a_note_and_not_written_to_the_terminal(
    copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change_weights(copy, lambda weights: weights.update({"model.further.weight": weights[NORM].clone()}))
    player = make(copy)
    asked(player, [request("k", "x")])
    assert player.notes == ["p: 1 weights of the checkpoint are not used, such as model.further.weight"]
    assert capfd.readouterr() == ("", "")


def test_a_package_that_is_there_and_broken_is_not_taken_for_missing(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """As torch says it whose CUDA libraries are gone."""

        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "torch":
                raise ImportError("libcudart.so.12: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ImportError, match="libcudart"):
        asked(make(checkpoint), [request("k", "x")])


def test_what_generation_config_states_is_said(copy: Path) -> None:
    stated = json.loads((copy / "generation_config.json").read_text())
    stated |= {"do_sample": True, "top_k": 20, "temperature": 0.6, "repetition_penalty": 1.05, "min_p": 0.0}
    (copy / "generation_config.json").write_text(json.dumps(stated))
    spec = PlayerSpec("p", str(copy), sampling=Sampling(temperature=0.7, max_tokens=4))
    player = TransformersPlayer.from_plan("p", spec)
    asked(player, [request("k", "x")])
    assert player.notes == [
        "p: the plan leaves to generation_config.json, and so it holds: top_k = 20",
        "p: generation_config.json states what is not applied, since no plan can say it: repetition_penalty = 1.05",
    ]


def test_without_torch_the_extra_is_named(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert identity(checkpoint).kind == "weights"  # a run whose answers are in the store needs no torch
    with pytest.raises(MissingExtra) as raised:
        asked(make(checkpoint), [request("k", "x")])
    assert "arena-tui[train]" in str(raised.value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (PlayerSpec("p"), "needs a model"),
        (PlayerSpec("p", "m", endpoints=("http://h/v1",)), "endpoints means nothing"),
        (PlayerSpec("p", "m", api_key_env="KEY"), "api_key_env means nothing"),
        (PlayerSpec("p", "m", sampling=Sampling(extra={"min_p": 0.1})), "sampling.extra means nothing"),
        (PlayerSpec("p", "m", options={"batchsize": 3}), "did you mean 'batch_size'"),
    ],
)
def test_what_is_wrong_in_the_plan_is_said(spec: PlayerSpec, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TransformersPlayer.from_plan("p", spec)


def test_a_pocket_name_that_nobody_has() -> None:
    with pytest.raises(UsageError, match="no player 'nobody'"):
        find_checkpoint("pocket:nobody", None)


def test_a_pocket_name_is_the_folder_that_ships() -> None:
    from engine.pocket.world import PLAYERS, model_path

    assert find_checkpoint(f"pocket:{PLAYERS[0]}", None) == model_path(PLAYERS[0])
