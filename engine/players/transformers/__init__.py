"""A model in this process: batched generation with Hugging Face transformers.

Each request's own seed decides its tokens: the draws of a row come from (seed, step) alone (`draws`), and one draw
becomes one token by the inverse of the row's cumulative distribution (`sampling`). Which batch a request lands in
changes its logits by rounding only, so that a resumed run gives the same answers as far as floating point allows.

Importing this imports no torch: `open` does.
"""

from engine.players.transformers.player import TransformersOptions, TransformersPlayer

__all__ = ["TransformersOptions", "TransformersPlayer"]
