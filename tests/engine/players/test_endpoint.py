from __future__ import annotations

from engine.players.endpoint import Endpoint
from engine.players.failures import EndpointFault, Transient
from engine.players.window import Window


def endpoint(places: int = 8) -> Endpoint:
    return Endpoint("http://h/v1", Window(places, places))


def test_load_is_in_proportion_to_the_places() -> None:
    small, large = endpoint(4), endpoint(16)
    small.in_flight = large.in_flight = 3
    assert large.load < small.load


def test_one_that_fails_fast_does_not_look_idle() -> None:
    failing, busy = endpoint(), endpoint()
    busy.in_flight = 2
    for _ in range(3):
        failing.failed(Transient("no"), now=0.0)
    assert busy.load < failing.load
    failing.answered()
    assert failing.load < busy.load


def test_equally_loaded_ones_take_turns() -> None:
    one, two = endpoint(), endpoint()
    one.asked = 1
    assert two.load < one.load


def test_when_waiting_is_over() -> None:
    asked = endpoint()
    assert not asked.hopeless(1e9, 60)
    asked.failed(Transient("no"), now=100.0)
    asked.aside_until = 110.0
    assert not asked.hopeless(120.0, 60)
    assert asked.hopeless(161.0, 60)
    asked.aside_until = 200.0
    assert asked.hopeless(120.0, 60)
    asked.answered()
    assert not asked.hopeless(1e9, 60)
    asked.condemn(EndpointFault("HTTP 401"))
    assert asked.hopeless(0.0, 60)
