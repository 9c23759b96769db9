"""Texts go in and come out exactly: NUL, lone surrogates, a megabyte."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records import Conversation, Prompt, Response, ResponseStatus, Turn
from engine.store import Store
from engine.store.contestants import land_imported_player, read_players
from engine.store.prompts import land_prompts, read_conversation, read_set
from engine.store.responses import land_responses, read_responses
from engine.store.texts import decode, encode, intern, read, text_hash
from engine.store.verdicts import land_verdicts, read_verdicts
from tests.engine.store.landing import answer, fresh_store, judged, lay_ground, verdict

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
HOSTILE = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "x\udfffy",
    "\U0010ffff",
    "\x1b]52;c;x\x07",
    "=SUM(A1)",
    "nan",
    "NULL",
    "\r\n",
]


@given(ANY_TEXT)
def test_encoding_is_exact_and_says_by_its_type_what_sqlite_could_not_hold(text: str) -> None:
    stored = encode(text)
    assert decode(stored) == text
    holds = "\0" not in text and not any(0xD800 <= ord(c) <= 0xDFFF for c in text)
    assert isinstance(stored, str) is holds


@settings(max_examples=25, deadline=None)
@given(st.lists(ANY_TEXT | st.sampled_from(HOSTILE), max_size=12))
def test_texts_are_stored_once_each_and_read_back_exactly(texts: list[str]) -> None:
    with fresh_store() as store:
        with store.write() as tx:
            first = intern(tx.connection, texts)
        with store.write() as tx:
            assert intern(tx.connection, reversed(texts)) == first
        assert {text: read(store.reader, number) for text, number in first.items()} == {t: t for t in texts}
        assert store.reader.execute("SELECT COUNT(*) FROM texts").fetchone() == (len(set(texts)),)


@settings(max_examples=25, deadline=None)
@given(
    asked=ANY_TEXT, said=ANY_TEXT, thought=ANY_TEXT | st.none(), name=ANY_TEXT.filter(bool), reason=ANY_TEXT
)
def test_what_a_model_says_comes_out_of_every_table_as_it_went_in(
    asked: str, said: str, thought: str | None, name: str, reason: str
) -> None:
    with fresh_store() as store:
        spoken = Response(ResponseStatus.OK, (Turn(said, thought, reason),), error=reason)
        opinion = verdict(explanation=said, raw=thought, thinking=said, reason=reason, finish_reason=reason)
        prompt = Prompt(name, Conversation.of(asked, said), name, category=reason, meta={"note": said})
        with store.write() as tx:
            (landed,) = land_prompts(tx, [prompt])
            player = land_imported_player(tx, name)
            ground = lay_ground(tx)
            response = answer(ground, 0, spoken)
            land_responses(tx, [response])
            land_verdicts(tx, [judged(ground, "v", opinion)])
        assert [one.prompt for one in read_set(store.reader, name)] == [prompt]
        assert read_conversation(store.reader, landed.prompt_id) == prompt.conversation
        assert next(one.name for one in read_players(store.reader) if one.id == player.id) == name
        assert read_responses(store.reader, [response.key])[response.key].response == spoken
        assert [
            one.verdict for one in read_verdicts(store.reader, [judged(ground, "v", opinion).key]).values()
        ] == [opinion]


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "ä\0" * 500_000, "\ud83d" * 1_000_000, "\U0001f600" * 300_000]
)
def test_a_megabyte_keeps_its_hash(store: Store, text: str) -> None:
    with store.write() as tx:
        number = intern(tx.connection, [text])[text]
    back = read(store.reader, number)
    assert back is not None
    expected = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    assert hashlib.sha256(back.encode("utf-8", "surrogatepass")).digest() == expected.digest()
    assert text_hash(back) == expected.digest()[:16]
