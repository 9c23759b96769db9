"""The transformers player on a tiny random checkpoint, against the library's own `generate` and its own warpers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.players.base import ChatReply, ChatRequest
from engine.players.transformers import TransformersPlayer
from engine.records import Conversation, Message, ResponseStatus, Sampling
from tests.engine.players.generating import GREEDY, QUESTIONS, WARM, asked, make, request
from tests.servers.tiny_checkpoint import write_tiny_checkpoint, write_tiny_gpt2

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.torch


# Against the library


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_greedy_answers_are_those_of_generate_one_by_one(
    checkpoint: Path, tmp_path: Path, architecture: str
) -> None:
    if architecture == "gpt2":
        checkpoint = write_tiny_gpt2(tmp_path / "gpt2")
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    replies = asked(make(checkpoint), (request(q, q) for q in QUESTIONS))
    for question in QUESTIONS:
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        out = model.generate(**inputs, do_sample=False, max_new_tokens=24)[0, inputs["input_ids"].shape[1] :]
        reply = replies[question]
        assert reply.text == tokenizer.decode(out, skip_special_tokens=True)
        assert (reply.tokens_in, reply.tokens_out) == (inputs["input_ids"].shape[1], len(out))


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, None, None), (0.5, None, None), (1.0, 5, None), (1.3, None, 0.6), (0.9, 8, 0.7)],
)
def test_first_tokens_come_as_often_as_the_librarys_own_warpers_say(
    checkpoint: Path, temperature: float, top_k: int | None, top_p: float | None
) -> None:
    from scipy.stats import chisquare

    number = 4000
    sampling = Sampling(temperature, top_p, top_k, max_tokens=1)
    replies = asked(
        make(checkpoint),
        (request(f"{n}", "What is 2 + 2?", sampling=sampling, seed=n) for n in range(number)),
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    expected: Counter[str] = Counter()
    for token, share in enumerate(_warped(checkpoint, "What is 2 + 2?", sampling)):
        if share > 0:
            expected[tokenizer.decode([token], skip_special_tokens=True)] += number * share
    seen = Counter(reply.text for reply in replies.values())
    assert seen.keys() <= expected.keys()
    common = [text for text, share in expected.items() if share >= 5]
    rare = [number - sum(counts[text] for text in common) for counts in (seen, expected)]
    observed, ideal = [seen[text] for text in common], [expected[text] for text in common]
    if rare[1] >= 5:
        observed, ideal = [*observed, rare[0]], [*ideal, rare[1]]
    scale = sum(observed) / sum(ideal)
    assert chisquare(observed, [value * scale for value in ideal]).pvalue > 1e-4


def _warped(checkpoint: Path, question: str, sampling: Sampling) -> list[float]:
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    with torch.no_grad():
        logits = model(**inputs).logits[:, -1]
    logits = TemperatureLogitsWarper(sampling.temperature)(None, logits)
    if sampling.top_k:
        logits = TopKLogitsWarper(sampling.top_k)(None, logits)
    if sampling.top_p:
        logits = TopPLogitsWarper(sampling.top_p)(None, logits)
    return logits.double().softmax(1)[0].tolist()


# Seeds and batches


def texts(replies: dict[str, ChatReply]) -> dict[str, str]:
    return {key: reply.text for key, reply in replies.items()}


@pytest.fixture(scope="module")
def alone(checkpoint: Path) -> dict[str, str]:
    """What forty requests of different length are answered one at a time."""
    return texts(asked(make(checkpoint, batch_size=1), forty()))


def forty(sampling: Sampling = WARM) -> list[ChatRequest]:
    return [request(f"k{n}", QUESTIONS[n % 5] * (1 + n % 3), sampling=sampling, seed=n) for n in range(40)]


@pytest.mark.parametrize("options", [{}, {"batch_size": 7}, {"batch_size": 40}, {"batch_tokens": 300}])
def test_a_requests_seed_decides_its_answer_whatever_batch_it_is_in(
    checkpoint: Path, alone: dict[str, str], options: dict[str, int]
) -> None:
    assert texts(asked(make(checkpoint, **options), reversed(forty()))) == alone


def test_a_resumed_run_gives_the_rest_the_same(checkpoint: Path, alone: dict[str, str]) -> None:
    rest = [r for r in forty() if int(r.key[1:]) % 3 == 0]
    assert texts(asked(make(checkpoint), rest)) == {r.key: alone[r.key] for r in rest}


def test_rows_with_different_sampling_keep_to_themselves(checkpoint: Path, alone: dict[str, str]) -> None:
    others = [
        Sampling(0),
        Sampling(1.5),
        Sampling(0.8, top_k=3),
        Sampling(0.8, top_p=0.5),
        Sampling(0.8, max_tokens=3),
    ]
    mixed = [*forty(), *(request(f"m{n}", "hello", sampling=s, seed=n) for n, s in enumerate(others))]
    mixed = [r if r.sampling.max_tokens else _limited(r) for r in mixed]
    answers = texts(asked(make(checkpoint), mixed))
    assert {key: answers[key] for key in alone} == alone


def _limited(asked_for: ChatRequest) -> ChatRequest:
    given = asked_for.sampling
    sampling = Sampling(given.temperature, given.top_p, given.top_k, max_tokens=20)
    return ChatRequest(asked_for.key, asked_for.messages, sampling, asked_for.seed)


def test_rows_that_end_early_leave_the_others_as_they_were(checkpoint: Path) -> None:
    """Long enough for draws of a second block, after most rows have left the batch."""
    requests = [
        request(f"k{n}", QUESTIONS[n % 5], sampling=Sampling(0.8, max_tokens=limit), seed=n)
        for n, limit in enumerate([150, 3, 140, 20, 5, 150, 70, 1, 100, 40, 66, 2])
    ]
    assert texts(asked(make(checkpoint), requests)) == texts(asked(make(checkpoint, batch_size=1), requests))


def test_other_seeds_give_other_answers(checkpoint: Path) -> None:
    replies = asked(make(checkpoint), (request(f"{n}", "hello", sampling=WARM, seed=n) for n in range(20)))
    assert len(set(texts(replies).values())) > 15


def test_without_a_seed_each_asking_is_another(checkpoint: Path) -> None:
    replies = asked(make(checkpoint), (request(f"{n}", "hello", sampling=WARM, seed=None) for n in range(20)))
    assert len(set(texts(replies).values())) > 15


# Where an answer ends


def test_the_limit_on_tokens_cuts(checkpoint: Path) -> None:
    replies = asked(
        make(checkpoint), [request(str(n), "x", sampling=Sampling(0, max_tokens=n)) for n in (1, 2, 9)]
    )
    for reply in replies.values():
        assert (reply.status, reply.finish_reason, reply.tokens_out) == (
            ResponseStatus.CUT,
            "length",
            int(reply.key),
        )


def test_an_end_token_ends_it(copy: Path) -> None:
    """Whatever token the greedy answer has third is made an end token."""
    free = asked(make(copy), [request("k", "x")])["k"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(copy)
    third = _greedy_tokens(copy, "x")[2]
    stated = json.loads((copy / "generation_config.json").read_text())
    (copy / "generation_config.json").write_text(json.dumps(stated | {"eos_token_id": [third]}))
    ended = asked(make(copy), [request("k", "x")])["k"]
    assert (free.tokens_out, ended.tokens_out) == (24, 1 + _greedy_tokens(copy, "x").index(third))
    assert (ended.finish_reason, ended.status) == ("stop", ResponseStatus.OK)
    assert free.text.startswith(ended.text)
    assert tokenizer.decode([third])


def _greedy_tokens(folder: Path, question: str) -> list[int]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    out = model.generate(**inputs, do_sample=False, max_new_tokens=24, eos_token_id=None)
    return out[0, inputs["input_ids"].shape[1] :].tolist()


def test_a_stop_string_ends_it_and_is_left_out(checkpoint: Path) -> None:
    free = asked(make(checkpoint), [request("k", "What is 2 + 2?")])["k"]
    stop = free.text[6:9]
    sampling = Sampling(0, max_tokens=24, stop=("never said", stop))
    reply = asked(make(checkpoint), [request("k", "What is 2 + 2?", sampling=sampling)])["k"]
    assert reply.text == free.text[: free.text.index(stop)]
    assert (reply.finish_reason, reply.status) == ("stop", ResponseStatus.OK)
    assert (reply.tokens_out or 0) < (free.tokens_out or 0)


def test_nothing_but_the_end_is_empty(copy: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(copy)
    # All logits are zero, so that greedy takes the first token, which is made an end token.
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(torch.zeros_like(model.lm_head.weight))
    model.save_pretrained(copy)
    stated = json.loads((copy / "generation_config.json").read_text())
    (copy / "generation_config.json").write_text(json.dumps(stated | {"eos_token_id": 0}))
    reply = asked(make(copy), [request("k", "x")])["k"]
    assert (reply.status, reply.text, reply.tokens_out) == (ResponseStatus.EMPTY, "", 1)


def test_the_context_ends_it_and_a_prompt_that_fills_it_is_not_asked(tmp_path: Path) -> None:
    short = write_tiny_checkpoint(tmp_path / "short", max_position_embeddings=40)
    room = Sampling(0, max_tokens=1000)
    replies = asked(
        make(short), [request("fits", "1" * 20, sampling=room), request("not", "1" * 60, sampling=room)]
    )
    assert (replies["fits"].status, replies["fits"].tokens_out) == (ResponseStatus.CUT, 40 - 23)
    assert replies["not"].status is ResponseStatus.FAILED
    assert "leaves no room in 40" in (replies["not"].error or "")


def test_without_a_limit_the_context_is_the_limit(tmp_path: Path) -> None:
    short = write_tiny_checkpoint(tmp_path / "short", max_position_embeddings=40)
    assert asked(make(short), [request("k", "1" * 20, sampling=Sampling(0))])["k"].tokens_out == 17


def test_thinking_is_split_from_the_answer(checkpoint: Path) -> None:
    free = asked(make(checkpoint), [request("k", "What is 2 + 2?")])["k"]
    opened = make(checkpoint, thinking_opened=True, thinking_tags=[["<", free.text[5:7]]])
    reply = asked(opened, [request("k", "What is 2 + 2?")])["k"]
    thinking, _, answer = free.text.partition(free.text[5:7])
    assert (reply.thinking, reply.text) == (thinking, answer.lstrip("\r\n"))


def test_defaults_of_the_checkpoint_hold_where_the_plan_says_nothing(copy: Path) -> None:
    stated = json.loads((copy / "generation_config.json").read_text())
    changed = stated | {"temperature": 0.7, "top_k": 4, "top_p": 0.9, "max_new_tokens": 11}
    (copy / "generation_config.json").write_text(json.dumps(changed))
    silent = texts(asked(make(copy), forty(Sampling())))
    spoken = texts(asked(make(copy), forty(Sampling(0.7, 0.9, 4, 11))))
    assert silent == spoken


def test_a_checkpoint_that_says_not_to_sample_is_greedy_where_the_plan_says_nothing(copy: Path) -> None:
    stated = json.loads((copy / "generation_config.json").read_text()) | {
        "do_sample": False,
        "max_new_tokens": 11,
    }
    (copy / "generation_config.json").write_text(json.dumps(stated))
    silent = texts(asked(make(copy), forty(Sampling())))
    assert silent == texts(asked(make(copy), forty(Sampling(0.0, max_tokens=11))))


# Conversations


def test_the_whole_history_is_shown(checkpoint: Path) -> None:
    replies = asked(
        make(checkpoint), [request("a", "one", "two", "three"), request("b", "one", "zwei", "three")]
    )
    assert replies["a"].text != replies["b"].text
    assert replies["a"].tokens_in == len("onetwothree") + 3 * 2 + 1


@pytest.mark.parametrize(
    "text", ["", "\x00\x1b[31m", "lone \ud83d surrogate", "<|end|><|user|>", "é\U0001f600" * 9]
)
def test_any_text_can_be_asked(checkpoint: Path, text: str) -> None:
    assert asked(make(checkpoint), [request("k", text)])["k"].status is not ResponseStatus.FAILED


def test_a_template_that_refuses_fails_that_request_and_no_other(copy: Path) -> None:
    config = json.loads((copy / "tokenizer_config.json").read_text())
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
    changed = config | {"chat_template": refusing + config["chat_template"]}
    (copy / "tokenizer_config.json").write_text(json.dumps(changed))
    system = ChatRequest("s", (Message("system", "be kind"), Message("user", "x")), GREEDY)
    replies = asked(make(copy), [system, request("k", "x")])
    assert replies["s"].status is ResponseStatus.FAILED
    assert "no system here" in (replies["s"].error or "")
    assert replies["k"].status is not ResponseStatus.FAILED


def test_a_schema_is_not_held_to_and_the_player_says_so(checkpoint: Path) -> None:
    player = make(checkpoint)
    assert not player.holds_schema
    schema = {"type": "object"}
    plain = request("k", "x")
    shaped = ChatRequest("k", plain.messages, GREEDY, 1, schema)
    assert texts(asked(player, [shaped])) == texts(asked(make(checkpoint), [plain]))


def test_conversations_of_several_turns(checkpoint: Path) -> None:
    from engine.players.turns import Item, answer

    async def run() -> list[tuple[str, int]]:
        player = make(checkpoint, batch_size=8)
        await player.open()
        items = (Item(f"k{n}", Conversation.of(*"abc"[: 1 + n % 3]), WARM, n) for n in range(30))
        return [(a.item.key, len(a.response.turns)) async for a in answer(player, items)]

    done = asyncio.run(run())
    assert sorted(key for key, _ in done) == sorted(f"k{n}" for n in range(30))


# Stopping


def test_cancelling_ends_the_batch_and_leaves_the_player_usable(checkpoint: Path) -> None:
    async def run() -> str:
        player = make(checkpoint)
        await player.open()
        endless = [request(str(n), "x", sampling=Sampling(1.0, max_tokens=1900), seed=n) for n in range(64)]
        consumer = asyncio.create_task(_first(player, endless))
        while not player._one_batch.locked():
            await asyncio.sleep(0)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        return (await _first(player, [request("k", "x")])).key

    assert asyncio.run(run()) == "k"


async def _first(player: TransformersPlayer, requests: Iterable[ChatRequest]) -> ChatReply:
    async with aclosing(player.chat(requests)) as replies:
        async for reply in replies:
            return reply
    raise AssertionError("no reply")


def test_a_batch_that_is_told_to_stop_ends_at_its_next_token(checkpoint: Path) -> None:
    from engine.players.transformers.batching import Row
    from engine.players.transformers.loaded import Loaded

    loaded = Loaded(checkpoint, dtype="auto", device="cpu", batch_size=None, num_threads=1)
    rows = [row for row in loaded.prepare_all([request("a"), request("b")]) if isinstance(row, Row)]
    stopped = threading.Event()
    stopped.set()
    assert [len(said.tokens) for said in loaded.generate(rows, stopped)] == [1, 1]


def test_requests_are_taken_a_window_at_a_time(checkpoint: Path) -> None:
    taken = 0

    def source() -> Iterable[ChatRequest]:
        nonlocal taken
        for n in range(1000):
            taken += 1
            yield request(str(n), "x", sampling=Sampling(0, max_tokens=1))

    async def run() -> None:
        player = make(checkpoint, batch_size=5)
        await player.open()
        await _first(player, source())

    asyncio.run(run())
    assert taken == 20
