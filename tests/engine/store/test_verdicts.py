"""Verdicts: every try is kept; the first that is ok counts, or else the last."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records import Verdict, VerdictKind, VerdictStatus
from engine.store import Store
from engine.store.verdicts import land_verdicts, read_verdicts, said_before
from tests.engine.store.landing import Ground, fresh_store, judged, lay_ground, verdict

OK, UNPARSABLE, CUT = VerdictStatus.OK, VerdictStatus.UNPARSABLE, VerdictStatus.CUT


@pytest.fixture
def ground(store: Store) -> Ground:
    with store.write() as tx:
        return lay_ground(tx)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (VerdictKind.SCORES, (8.0, 3.5)),
        (VerdictKind.PREFERENCE, 0.1 + 0.2),
        (VerdictKind.PREFERENCE, 0.0),
        (VerdictKind.PREFERENCE, 5e-324),
        (VerdictKind.GRADE, "A>>B"),
        (VerdictKind.WINNER, "tie"),
        (VerdictKind.SINGLE, 7.5),
    ],
)
def test_a_native_value_is_kept_to_the_last_bit(
    store: Store, ground: Ground, kind: VerdictKind, value: object
) -> None:
    said = Verdict(kind, OK, value, None, "why", "raw", "hm", "stop", 5, 6, 7.5, 2)  # type: ignore[arg-type]
    item = judged(ground, "v", said)
    with store.write() as tx:
        land_verdicts(tx, [item])
    assert [one.verdict for one in read_verdicts(store.reader, [item.key]).values()] == [said]


def land_tries(store: Store, ground: Ground, tries: Sequence[Verdict], again: bool = True) -> None:
    for said in tries:
        with store.write() as tx:
            land_verdicts(tx, [judged(ground, "v", said)], again=again)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([OK, UNPARSABLE, CUT]), min_size=1, max_size=5))
def test_the_first_that_is_ok_counts_or_else_the_last(statuses: list[VerdictStatus]) -> None:
    tries = [
        verdict(status, (float(n), 1.0), raw=f"try {n}", reason="r") for n, status in enumerate(statuses)
    ]
    landed = statuses.index(OK) + 1 if OK in statuses else len(statuses)
    with fresh_store() as store:
        with store.write() as tx:
            ground = lay_ground(tx)
        land_tries(store, ground, tries)
        key = judged(ground, "v", tries[0]).key
        stored = read_verdicts(store.reader, [key])[key]
        assert (stored.tries, stored.verdict) == (landed, tries[landed - 1])
        light = said_before(store.reader, [key])[key]
        assert (light.id, light.tries, light.status) == (stored.id, landed, stored.verdict.status.value)
        kept = store.reader.execute("SELECT try, status FROM verdicts ORDER BY try").fetchall()
        assert kept == [(n, status.value) for n, status in enumerate(statuses[:landed])]


def test_an_import_keeps_what_stands(store: Store, ground: Ground) -> None:
    first, second = verdict(UNPARSABLE, raw="?"), verdict(OK)
    land_tries(store, ground, [first, second], again=False)
    (stored,) = read_verdicts(store.reader, [judged(ground, "v", first).key]).values()
    assert (stored.tries, stored.verdict) == (1, first)
