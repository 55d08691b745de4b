"""BERT-style encoders.

The linear layers have constant weights and go to crossbars; the two products of attention multiply
activations and stay digital, as do softmax, normalisation and GELU.  Sequences are full length, so
there is no mask.
"""

from __future__ import annotations

from collections.abc import Callable

from crossbar.errors import InputError
from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.graph import Workload
from crossbar.workload.lengths import tag_lengths

__all__ = ["bert_base", "minilm6"]

VOCABULARY = 30_522
MAX_POSITIONS = 512
SEGMENTS = 2


def bert_base(tokens: int = 128) -> Workload:
    """BERT base: 84.93 M weights in the encoder, 0.59 M in the pooler; 10.87 GMAC at 128 tokens.

    Devlin et al., "BERT: pre-training of deep bidirectional transformers for language
    understanding", NAACL 2019: 12 layers, 768 features, 12 heads.  Embedding tables (23.8 M) are
    memories, not products, and are not counted as weights; the products of attention (0.30 GMAC)
    are counted as operations of their nodes.

    Parameters
    ----------
    tokens : int
        1..512.
    """
    return _tagged(_bert_base, tokens)


def _bert_base(tokens: int) -> Workload:
    net, x = _embeddings("bert_base", tokens, features=768)
    for layer in range(12):
        x = _layer(net, f"encoder.layer.{layer}", x, heads=12, hidden=3072)
    first = net.reshape("pooler.first_token", x, (768,), "select")
    pooled = net.activation("pooler.activation", net.linear("pooler.dense", first, 768), "tanh")
    return net.build(x, pooled)


def minilm6(tokens: int = 128) -> Workload:
    """MiniLM-L6-H384 sentence encoder, at 128 tokens: 10.62 M weights, 1.359 GMAC.

    Wang et al., "MiniLM: deep self-attention distillation for task-agnostic compression of
    pre-trained transformers", NeurIPS 2020, in the six-layer form of all-MiniLM-L6-v2: 384
    features, 12 heads; the sentence is the mean over tokens, normalised to length 1 (the pooler
    of the checkpoint is not run).

    Parameters
    ----------
    tokens : int
        1..512.
    """
    return _tagged(_minilm6, tokens)


def _minilm6(tokens: int) -> Workload:
    features = 384
    net, x = _embeddings("minilm6", tokens, features)
    for layer in range(6):
        x = _layer(net, f"encoder.layer.{layer}", x, heads=12, hidden=1536)
    x = net.digital("mean_pooling", "pool_avg", [x], (features,), tokens * features)
    # sum of squares, one reciprocal square root, scale
    x = net.norm("normalize", x, operator="l2_norm", operations=2 * features + 1)
    return net.build(x)


def _tagged(build: Callable[[int], Workload], tokens: int) -> Workload:
    """Build a network, and write down how it follows its tokens."""
    if not isinstance(tokens, int) or isinstance(tokens, bool) or not 1 <= tokens <= MAX_POSITIONS:
        raise InputError(f"tokens: {tokens!r} is not a whole number in 1..{MAX_POSITIONS}")
    others = {n: build(n) for n in (tokens + 1, tokens + 2, 2 * tokens + 3)}
    return tag_lengths(build(tokens), tokens, others, most=MAX_POSITIONS)


def _embeddings(name: str, tokens: int, features: int) -> tuple[WorkloadBuilder, str]:
    """Words, segments and positions are looked up, added and normalised."""
    net = WorkloadBuilder(name)
    ids = net.input("input_ids", (tokens,))
    segments = net.input("token_type_ids", (tokens,))
    positions = net.reshape("embeddings.position_ids", ids, (tokens,), "arange")
    words = net.embedding("embeddings.word_embeddings", ids, VOCABULARY, features)
    kinds = net.embedding("embeddings.token_type_embeddings", segments, SEGMENTS, features)
    places = net.embedding("embeddings.position_embeddings", positions, MAX_POSITIONS, features)
    x = net.add("embeddings.add_1", net.add("embeddings.add", words, kinds), places)
    return net, net.norm("embeddings.LayerNorm", x)


def _layer(net: WorkloadBuilder, name: str, x: str, heads: int, hidden: int) -> str:
    """Self-attention and a feed-forward network, each added to its input and normalised."""
    _, features = net.shape(x)
    y = _attention(net, f"{name}.attention.self", x, heads)
    y = net.linear(f"{name}.attention.output.dense", y, features)
    y = net.add(f"{name}.attention.output.add", y, x)
    x = net.norm(f"{name}.attention.output.LayerNorm", y)
    y = net.linear(f"{name}.intermediate.dense", x, hidden)
    y = net.activation(f"{name}.intermediate.intermediate_act_fn", y, "gelu")
    y = net.linear(f"{name}.output.dense", y, features)
    return net.norm(f"{name}.output.LayerNorm", net.add(f"{name}.output.add", y, x))


def _attention(net: WorkloadBuilder, name: str, x: str, heads: int) -> str:
    """``softmax(Q K^T / sqrt(width)) V`` in every head: ``(tokens, features)`` in and out."""
    tokens, features = net.shape(x)
    width = features // heads
    query = net.linear(f"{name}.query", x, features)
    key = net.linear(f"{name}.key", x, features)
    value = net.linear(f"{name}.value", x, features)
    split = (heads, tokens, width)
    query = net.reshape(f"{name}.query_heads", query, split, "transpose", (1, 0, 2))
    key = net.reshape(f"{name}.key_heads", key, (heads, width, tokens), "transpose", (1, 2, 0))
    value = net.reshape(f"{name}.value_heads", value, split, "transpose", (1, 0, 2))
    scores = net.mul(f"{name}.scale", net.matmul(f"{name}.scores", query, key))
    weights = net.softmax(f"{name}.softmax", scores)
    context = net.matmul(f"{name}.context", weights, value)
    joined = f"{name}.context_tokens"
    return net.reshape(joined, context, (tokens, features), "transpose", (1, 0, 2))
