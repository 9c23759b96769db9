"""Secrets are known by their look, wherever a plan holds them, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.plan import Plan, read_plan
from engine.plan.secrets import looks_like_key, scrubbed, secret_places, url_has_secret
from tests.engine.plan.writing import PLAN, line_of, mistakes, write

KEYS = (
    "sk-CANARYcanary0123456789",
    "sk-ant-api03-CANARYcanary0123456789",
    "sk-proj-CANARY_canary-0123456789",
    "hf_CANARYcanary0123456789",
    "gsk_CANARYcanary0123456789",
    "ghp_CANARYcanary0123456789",
    "github_pat_CANARY_canary_0123456789",
    "nvapi-CANARYcanary0123456789",
    "AKIACANARY01234567",
    "AIzaCANARYcanary0123456789abcd",
    "Bearer CANARYcanary01",
)
URLS = (
    "http://user:CANARY@host:8000/v1",
    "https://CANARY@host/v1",
    "https://host/v1?api_key=CANARY",
    "https://host/v1?x=1&access_token=CANARY",
    "postgres://u:CANARY@db/x",
)
HARMLESS = (
    "OPENAI_API_KEY",
    "meta-llama/Llama-3-8B-Instruct",
    "http://localhost:8000/v1",
    "a disk-based task-list",
    "https://host/v1?model=x",
    "curl -d @- https://host/hook",
    "someone@example.com",
)


@pytest.mark.parametrize("text", KEYS)
def test_keys_are_known(text: str) -> None:
    assert looks_like_key(text)
    assert looks_like_key(f"curl -H 'x: {text}'")
    assert "CANARY" not in scrubbed(f"before {text} after")


@pytest.mark.parametrize("url", URLS)
def test_urls_with_secrets_are_known(url: str) -> None:
    assert url_has_secret(url)
    assert looks_like_key(f"see {url}")
    assert "CANARY" not in scrubbed(f"see {url}, please")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text: str) -> None:
    assert not looks_like_key(text)
    assert scrubbed(text) == text


def test_places_by_look_and_by_name() -> None:
    data = {
        "headers": {"authorization": "x", "accept": "y"},
        "list": ["fine", KEYS[0]],
        "api_key": "short",
        "eos_token": "</s>",
        "hf_token": "x",
        "password": "",
    }
    assert set(secret_places(data)) == {
        ("headers", "authorization"),
        ("list", 1),
        ("api_key",),
        ("hf_token",),
    }


PLACES = (
    ("name = ", 'name = "{}" #'),
    ('set = "pocket:test"', 'set = "{}"'),
    ('kind = "http"', 'kind = "{}"'),
    ('model = "llama-3"', 'model = "{}"'),
    ('model = "llama-3"', 'model = "m"\napi_key_env = "{}"'),
    ('model = "llama-3"', 'model = "m"\napi_key = "{}"'),
    ('model = "llama-3"', 'model = "m"\nsampling.temperature = "{}"'),
    ('model = "llama-3"', 'model = "m"\nsampling.stop = ["{}"]'),
    ('model = "llama-3"', 'model = "m"\nsampling.extra.headers = ["{}"]'),
    ('model = "llama-3"', 'model = "m"\noptions = {{ headers = {{ authorization = "{}" }} }}'),
    ('"http://localhost:8000/v1"', '"{}"'),
    ("[run]", '[run]\non_event = "{}"'),
    ("[run]", '[run]\nmode = "{}"'),
    ("[run]", '[run]\nstop_after = "{}"'),
    ("[run]", '[run]\n"{}" = 1'),
    ("[players.qwen]", '[players."{}"]'),
    ("[run]", '"{}" = 1\n[run]'),
    ("[run]", '[run]\nseed = "{}'),
    ("[run]", "[run]\nseed = {}"),
    ("[judges.scorer]", '[ratings]\nanchor = "{}"\n[judges.scorer]'),
)


@pytest.mark.parametrize("secret", [KEYS[0], URLS[0], KEYS[3]])
@pytest.mark.parametrize(("old", "new"), PLACES)
@pytest.mark.parametrize("options", [True, False])
def test_no_message_shows_a_secret(tmp_path: Path, old: str, new: str, secret: str, options: bool) -> None:
    path = write(tmp_path, PLAN.replace(old, new.format(secret), 1))
    with pytest.raises(PlanError) as raised:
        read_plan(path, options=options)
    shown = f"{raised.value!s} {raised.value!r} {raised.value.problems!r} {raised.value.__cause__!r}"
    assert "CANARY" not in shown


@pytest.mark.parametrize("secret", [*KEYS, *URLS])
def test_no_message_shows_a_secret_of_set(tmp_path: Path, secret: str) -> None:
    for key in (
        "run.name",
        "players.llama.endpoints",
        "players.llama.api_key_env",
        "run.seed",
        "no.such.key",
    ):
        for text in (f"{key}={secret}", f'{key}="{secret}"', f'{key}=["{secret}"]'):
            with pytest.raises(PlanError) as raised:
                read_plan(write(tmp_path), [text], options=False)
            assert "CANARY" not in str(raised.value)


def test_a_key_in_place_of_its_variable_is_told_once_with_the_mend(tmp_path: Path) -> None:
    text = PLAN.replace('kind = "http"', 'kind = "http"\napi_key_env = "sk-CANARYcanary0123456789"')
    (problem,) = mistakes(tmp_path, text)
    assert problem.key == "players.llama.api_key_env"
    assert problem.line == line_of(text, "api_key_env")
    assert "name the environment variable" in problem.message


@pytest.mark.parametrize(
    "value", ["9f8e7d6c5b4a39281706f5e4d3c2b1a0", "not a variable", "1KEY", "KEY-NAME", ""]
)
def test_what_is_no_name_of_a_variable(tmp_path: Path, value: str) -> None:
    (problem,) = mistakes(tmp_path, PLAN.replace('kind = "http"', f'kind = "http"\napi_key_env = "{value}"'))
    assert problem.key == "players.llama.api_key_env"
    assert not value or value not in str(problem)


def test_python_gets_no_secret_in_its_error_either() -> None:
    with pytest.raises(ValueError) as raised:
        Plan.model_validate(
            {"run": {"name": KEYS[0], "arena": "x"}, "prompts": {}, "players": {}, "judges": {}}
        )
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize("piece", ["a", "a-", "a+", "-eyJ", "sk-", "http://", "x@", "token_"])
def test_a_long_word_is_looked_through_in_linear_time(piece: str) -> None:
    """Were time not linear, this would take minutes."""
    text = piece * (1_000_000 // len(piece))
    assert not looks_like_key(text) or "(hidden)" in scrubbed(text)
