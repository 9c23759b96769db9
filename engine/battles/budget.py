"""What a run may spend. The first limit that is reached drains it: what is in flight finishes, nothing new is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.plan import ModelPlan, Plan


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens; 0 where the plan says none."""

    tokens_in: float = 0.0
    tokens_out: float = 0.0

    @classmethod
    def of(cls, plan: ModelPlan) -> Price:
        """What the plan says of a player or judge."""
        return cls(plan.price_in or 0.0, plan.price_out or 0.0)

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """In the currency of the plan's prices."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


@dataclass(slots=True)
class Budget:
    """Limits of a job, over all its attempts. Calls are counted when they are asked for and so never go over;
    tokens and cost when they are known, so they may go over by what is in flight.

    Attributes:
        stop: set when a limit is reached; `reached` says which.
        prices: by (role, name) of a player or judge, as in `spend`.
    """

    stop: asyncio.Event
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    prices: Mapping[tuple[str, str], Price] = field(default_factory=dict)
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    reached: str | None = None

    @classmethod
    def of(cls, plan: Plan, stop: asyncio.Event) -> Budget:
        """The limits and prices of a plan, nothing spent."""
        models: dict[tuple[str, str], ModelPlan] = {
            ("player", name): one for name, one in plan.players.items()
        }
        models |= {("judge", name): one for name, one in plan.judges.items()}
        prices = {key: Price.of(one) for key, one in models.items()}
        return cls(stop, plan.run.max_calls, plan.run.max_tokens, plan.run.max_cost, prices)

    def limit(self, max_calls: int | None, max_tokens: int | None, max_cost: float | None) -> None:
        """Other limits from now on. A run that drains already is not called back by them."""
        self.max_calls, self.max_tokens, self.max_cost = max_calls, max_tokens, max_cost

    def is_spent(self) -> bool:
        """Whether not one call more would be granted."""
        return self._reached(1) is not None

    def grants(self, calls: int) -> bool:
        """Take so many more calls; False, and the run drains, when they are over a limit."""
        if self.reached is None:
            self.reached = self._reached(calls)
        if self.reached is not None:
            self.stop.set()
            return False
        self.calls += calls
        return True

    def spend(self, role: str, name: str, tokens_in: int, tokens_out: int) -> None:
        """Note the tokens of an answer."""
        self.tokens += tokens_in + tokens_out
        self.cost += self.prices.get((role, name), Price()).cost(tokens_in, tokens_out)

    def _reached(self, calls: int) -> str | None:
        if self.max_calls is not None and self.calls + calls > self.max_calls:
            return f"the budget of {self.max_calls:,} calls is reached (run.max_calls)"
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            return f"the budget of {self.max_tokens:,} tokens is reached (run.max_tokens)"
        if self.max_cost is not None and self.cost >= self.max_cost:
            return f"the budget of {self.max_cost:,.2f} is reached (run.max_cost)"
        return None
