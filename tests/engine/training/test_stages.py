"""What each kind of stage makes of the pocket world's target, trained for real for a few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.players.transformers.checkpoint import read_checkpoint, weights_hash
from engine.training.checkpoints import is_sealed
from tests.engine.training.conftest import Ended
from tests.engine.training.making import TARGET, one_turn_prompts

pytestmark = pytest.mark.torch

KINDS = ("sft", "dpo", "reward", "ppo", "grpo")


@pytest.mark.parametrize("kind", KINDS)
def test_a_stage_leaves_a_whole_model_that_is_identified_as_a_player_would(
    stages: dict[str, Ended], kind: str
) -> None:
    ended = stages[kind]
    result = ended.result
    assert is_sealed(ended.layout.model)
    assert result.content_hash == weights_hash(ended.layout.model)
    assert result.start_hash == weights_hash(TARGET) != result.content_hash
    assert result.model_kind == ("reward" if kind == "reward" else "chat")
    assert result.steps > 0
    assert result.versions["trl"].startswith("1.12")
    assert not ended.layout.checkpoints.exists()


@pytest.mark.parametrize("name", [*KINDS, "sft-lora", "ppo-few"])
def test_the_weights_are_those_of_the_start_changed(stages: dict[str, Ended], name: str) -> None:
    from safetensors.torch import load_file

    weights, start = (load_file(each / "model.safetensors") for each in (stages[name].layout.model, TARGET))
    head = {"score.weight"} if name == "reward" else set()
    assert set(weights) == set(start) | head
    assert all(weights[each].isfinite().all() for each in weights)
    moved = [each for each in start if not weights[each].equal(start[each])]
    assert len(moved) > len(start) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_of_the_trainer_is_told_by_its_name(stages: dict[str, Ended], kind: str) -> None:
    own = {
        "sft": "mean_token_accuracy",
        "dpo": "rewards/margins",
        "reward": "margin",
        "ppo": "objective/rlhf_reward",
        "grpo": "rewards/pocket/mean",
    }
    steps = stages[kind].facts("step")
    assert any(own[kind] in fact["metrics"] for fact in steps)
    first = steps[0]
    assert first["step"] == 1
    assert first["of"] == stages[kind].result.steps
    assert first["loss"] is not None
    assert first["learning_rate"] > 0
    assert first["memory"] > 1_000_000
    assert first["eta_s"] >= 0


def test_the_same_seed_gives_the_same_weights(stages: dict[str, Ended]) -> None:
    assert stages["sft"].result.content_hash == stages["sft-again"].result.content_hash


def test_the_trained_model_keeps_tokenizer_template_and_numbers_of_its_start(
    stages: dict[str, Ended],
) -> None:
    from safetensors.torch import load_file

    folder = stages["sft"].layout.model
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (folder / name).read_bytes() == (TARGET / name).read_bytes()
    assert read_checkpoint(str(folder), None).template == read_checkpoint(str(TARGET), None).template
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    weights, start = (load_file(each / "model.safetensors") for each in (folder, TARGET))
    assert set(weights) == set(start)
    assert {str(weight.dtype) for weight in weights.values()} == {"torch.bfloat16"}


def test_numbers_can_be_saved_in_full(stages: dict[str, Ended]) -> None:
    from safetensors.torch import load_file

    weights = load_file(stages["sft-float32"].layout.model / "model.safetensors")
    assert {str(weight.dtype) for weight in weights.values()} == {"torch.float32"}


def test_fixed_prompts_are_answered_at_every_evaluation_and_at_the_end(stages: dict[str, Ended]) -> None:
    evaluated = stages["sft-float32"].facts("evaluated")
    answers = stages["sft-float32"].facts("answers")
    assert {fact["step"] for fact in evaluated} <= {fact["step"] for fact in answers}
    assert all(len(fact["answers"]) == 1 for fact in answers)
    assert stages["ppo"].facts("answers")[-1]["step"] == stages["ppo"].result.steps


def test_an_adapter_is_merged_and_kept_beside(stages: dict[str, Ended]) -> None:
    ended = stages["sft-lora"]
    assert ended.result.content_hash != stages["sft"].result.content_hash
    assert read_checkpoint(str(ended.layout.model), None).sha256 == ended.result.content_hash
    assert json.loads((ended.layout.adapter / "adapter_config.json").read_text())["r"] == 4


def test_packing_trains_fewer_sequences_on_all_rows(stages: dict[str, Ended]) -> None:
    packed, plain = stages["sft-packed"].result, stages["sft"].result
    assert packed.notes == ("packing without flash attention: the rows of a sequence see each other",)
    assert packed.rows == plain.rows == 40
    assert packed.steps < plain.steps


def test_losses_of_dpo_are_mixed_by_their_weights(stages: dict[str, Ended]) -> None:
    said = {s.name: s for s in stages["dpo"].result.settings}
    assert said["loss_type"].value == ["sigmoid", "sft"]
    assert said["loss_weights"].value == [1.0, 0.5]
    assert said["loss_type"].origin == "given"
    assert said["beta"].value == 0.3
    assert said["beta"].origin == "paper"
    assert said["max_grad_norm"].origin == "trl"


def test_a_reference_model_makes_another_first_step(stages: dict[str, Ended]) -> None:
    # Against itself the first step's margins are 0 by definition; against another model they are not.
    (fact,) = (f for f in stages["dpo-reference"].facts("step") if "rewards/margins" in f["metrics"])
    assert fact["metrics"]["rewards/margins"] != 0
    assert stages["dpo"].facts("step")[0]["metrics"]["rewards/margins"] == 0


def test_a_reward_model_is_measured_on_prompts_that_it_never_saw(stages: dict[str, Ended]) -> None:
    result = stages["reward"].result
    assert result.rows + result.eval_rows == 60
    assert result.rows % 2 == result.eval_rows % 2 == 0  # both pairs of a prompt are on one side
    right = (result.metrics["held_out_accuracy"] or 0) * result.eval_rows
    assert right == pytest.approx(round(2 * right) / 2)  # pairs, of which a tie is half


def test_ppo_has_no_update_without_a_learning_rate(stages: dict[str, Ended]) -> None:
    rates = [
        fact["learning_rate"] for fact in stages["ppo"].facts("step") if fact["learning_rate"] is not None
    ]
    assert len(rates) == stages["ppo"].result.steps
    assert min(rates) > 0


@pytest.mark.parametrize("kind", ["ppo-few", "grpo-model"])
def test_a_step_is_made_smaller_where_prompts_are_few_and_it_is_told(
    stages: dict[str, Ended], kind: str
) -> None:
    ended = stages[kind]
    if kind == "ppo-few":
        assert ended.result.notes[-1] == "batch_size is 40, not 128: there are 40 prompts"
    assert ended.result.steps == 1


def test_ppo_that_was_killed_starts_again_and_says_so(stages: dict[str, Ended]) -> None:
    result = stages["ppo-few"].result
    assert (
        result.notes[0]
        == "ppo cannot go on from a checkpoint: it starts again from its inputs, with the same seed"
    )
    assert result.resumed_from is None


def test_the_model_card_tells_the_lineage(stages: dict[str, Ended]) -> None:
    card = (stages["dpo-reference"].layout.model / "README.md").read_text(encoding="utf-8")
    assert "| round | 1 |" in card
    assert "| beta | 0.3 | paper |" in card


def test_the_loss_is_on_the_response_and_its_end_alone() -> None:
    from engine.training.chat import IGNORED, encode, load_tokenizer

    tokenizer = load_tokenizer(TARGET)
    asked = [
        {"role": "user", "content": "Reverse abc."},
        {"role": "assistant", "content": "cba"},
        {"role": "user", "content": "Now in capitals."},
    ]
    answer = [
        {"role": "assistant", "content": "CBA"},
        {"role": "user", "content": "And once more?"},
        {"role": "assistant", "content": "CBA!"},
    ]
    encoded = encode(tokenizer, asked, answer)
    learnt = [token for token in encoded.labels if token != IGNORED]
    assert tokenizer.decode(learnt) == "CBA<|end|>CBA!<|end|>"
    assert all(
        label in (IGNORED, token) for label, token in zip(encoded.labels, encoded.input_ids, strict=True)
    )


def test_training_and_the_player_render_the_same_tokens() -> None:
    from engine.players.base import ChatRequest
    from engine.players.transformers.batching import Row
    from engine.players.transformers.loaded import Loaded
    from engine.records import Sampling
    from engine.training.chat import first_difference, load_tokenizer, render

    loaded = Loaded(TARGET, dtype="auto", device="cpu", batch_size=None, num_threads=1)
    tokenizer = load_tokenizer(TARGET)
    for prompt in one_turn_prompts(20):
        assert prompt.conversation is not None
        messages = prompt.conversation.messages[:-1]
        row = loaded.prepare(ChatRequest("key", messages, Sampling(max_tokens=4), 1))
        assert isinstance(row, Row)
        ours = render(
            tokenizer, [{"role": m.role, "content": m.content or ""} for m in messages], open_turn=True
        )
        assert first_difference(ours, list(row.ids)) is None


def test_where_two_renderings_part_is_told() -> None:
    from engine.training.chat import Difference, first_difference

    assert first_difference([1, 2, 3], [1, 5, 3]) == Difference(1, (2, 3), (5, 3))
    assert first_difference([1, 2], [1, 2, 3]) == Difference(2, (), (3,))


def test_a_template_that_changes_what_went_before_is_refused(tmp_path: Path) -> None:
    from engine.errors import UserError
    from engine.training.chat import encode, load_tokenizer

    template = tmp_path / "last.jinja"
    # Writes only the last message, as templates do that drop the thinking of earlier turns.
    template.write_text("{{ messages[-1]['content'] + '<|end|>' }}", encoding="utf-8")
    tokenizer: Any = load_tokenizer(TARGET, str(template))
    with pytest.raises(UserError, match="differently once it goes on"):
        encode(tokenizer, [{"role": "user", "content": "ab"}], [{"role": "assistant", "content": "cd"}])
