"""A tiny random Llama with a byte-level tokenizer, as a folder that transformers loads. It talks nonsense, quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_tiny_checkpoint(folder: Path, seed: int = 0, spread: float = 0.25, **changes: Any) -> Path:
    """Save it into `folder`, which is made. A wider `spread` of the weights makes it surer of what it says."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from engine.pocket import tokenizer

    vocabulary = tokenizer.vocabulary()
    torch.manual_seed(seed)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 2048,
    }
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        bos_token_id=None,
        eos_token_id=vocabulary[tokenizer.END],
        pad_token_id=vocabulary[tokenizer.PAD],
        initializer_range=spread,
        tie_word_embeddings=True,
        **(sizes | changes),
    )
    folder.mkdir(parents=True, exist_ok=True)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.write(folder)
    return folder


def write_tiny_gpt2(folder: Path, seed: int = 0) -> Path:
    """The same with absolute positions, which unlike Llama's rotary ones tell padding from text."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from engine.pocket import tokenizer

    vocabulary = tokenizer.vocabulary()
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=512,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=None,
        eos_token_id=vocabulary[tokenizer.END],
        pad_token_id=vocabulary[tokenizer.PAD],
        initializer_range=0.25,
    )
    folder.mkdir(parents=True, exist_ok=True)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.write(folder)
    return folder
