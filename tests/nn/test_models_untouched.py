"""Networks as they come: all weights on crossbars, exact reads, and nothing else in unknown units.

The float network is the oracle of capture, the integer twin that of the reads, and a bound from the
scales that of quantisation: inputs are rounded to within half a step and weights too, so an output
is off by at most ``dx / 2 * sum |w| + dw / 2 * sum |x rounded|``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

import crossbar as xb
from tests.nn.networks import randomise
from tests.nn.zoo import images, sequences

Inputs = Callable[[int], dict[str, Any]]


def floats(**shapes: tuple[int, ...]) -> Inputs:
    return lambda batch: {name: torch.randn(batch, *shape) for name, shape in shapes.items()}


def words(**lengths: int) -> Inputs:
    return lambda batch: {n: torch.randint(0, 20, (batch, size)) for n, size in lengths.items()}


def clicks(batch: int) -> dict[str, Any]:
    tables = words(many=3)(batch)
    tables["few"], tables["one"] = torch.randint(0, 11, (batch, 2)), torch.randint(0, 30, (batch,))
    return {"dense": torch.randn(batch, 7), **tables}


def sentences(batch: int) -> dict[str, Any]:
    mask = torch.ones(batch, 7, dtype=torch.int64)
    mask[0, 4:] = 0
    return {"input_ids": torch.randint(3, 50, (batch, 7)), "attention_mask": mask}


def hugging_face(kind: str, **config: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        transformers = pytest.importorskip("transformers")
        found = getattr(transformers, f"{kind.removesuffix('Encoder')}Config")(
            vocab_size=50, bos_token_id=1, eos_token_id=2, pad_token_id=0, **config
        )
        return getattr(transformers, f"{kind}Model")(found)

    return make


SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 24,
}
DISTIL = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 24}
GPT2 = {"n_positions": 24, "n_embd": 16, "n_layer": 2, "n_head": 2, "use_cache": False}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}

MODELS: dict[str, tuple[Callable[[], nn.Module], Inputs]] = {
    "resnet18": (lambda: images.ResNet((2, 2, 2, 2), 1), floats(x=(3, 32, 32))),
    "resnet50": (lambda: images.ResNet((3, 4, 6, 3), 4), floats(x=(3, 32, 32))),
    "mobilenet_v2": (images.Mobile, floats(x=(3, 24, 24))),
    "efficientnet": (lambda: images.Mobile(excite=True), floats(x=(3, 24, 24))),
    "vgg11": (images.Vgg11, floats(x=(3, 32, 32))),
    "unet": (images.UNet, floats(x=(1, 16, 16))),
    "audio": (images.Audio, floats(x=(2, 64))),
    "clip": (images.Clip, floats(x=(3, 4, 8, 8))),
    "vit": (sequences.Vit, floats(x=(3, 16, 16))),
    "mixer": (sequences.Mixer, floats(x=(3, 16, 16))),
    "dlrm": (sequences.Dlrm, clicks),
    "tagger": (sequences.Tagger, words(ids=7)),
    "gru": (sequences.Gru, floats(x=(6, 5))),
    "attention": (sequences.Attention, floats(x=(4, 8), key=(3, 5), value=(3, 6))),
    "bert": (hugging_face("Bert", **SMALL), sentences),
    "distilbert": (hugging_face("DistilBert", **DISTIL), sentences),
    "roberta": (hugging_face("Roberta", **SMALL), sentences),
    "gpt2": (hugging_face("GPT2", **GPT2), sentences),
    "t5": (hugging_face("T5Encoder", **T5), sentences),
}
HEAVY = ("resnet50",)


def weights_of(model: nn.Module) -> int:
    """Count what multiplies activations: all matrices but tables, tokens and positions."""
    tables = (nn.Embedding, nn.EmbeddingBag)
    names = ("token", "position")
    found = {
        id(p): p.numel()
        for module in model.modules()
        if not isinstance(module, tables)
        for name, p in module.named_parameters(recurse=False)
        if p.dim() > 1 and name not in names
    }
    return sum(found.values())


def flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [tensor for item in items if item is not None for tensor in flat(item)]


@pytest.fixture(
    params=[pytest.param(n, marks=[pytest.mark.slow] if n in HEAVY else []) for n in MODELS]
)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Inputs]:
    torch.manual_seed(0)
    factory, inputs = MODELS[request.param]
    return randomise(factory()), inputs


def test_an_architects_model_is_taken_untouched(case):
    model, inputs = case
    before, attributes = copy.deepcopy(model.state_dict()), set(model.__dict__)
    sample = inputs(2)
    mapped = xb.map_model(model, "ideal_8bit", calibration=sample, strict=True)

    # what was captured is the network, for another batch, too
    for batch in (1, 3):
        other = inputs(batch)
        with torch.no_grad():
            expected = flat(model(**other))
        for a, b in zip(flat(mapped.execute((), other, mode="float")), expected, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)

    plan = mapped.plan
    cells = {layer.name: layer.matrix for layer in plan.layers}
    assert sum(m.groups * m.rows * m.cols for m in cells.values()) == weights_of(model)
    assert {layer.name for layer in plan.layers} <= {n.name for n in plan.workload.products}
    assert not [node.name for node in plan.workload if node.kind == "other"]
    assert not [row.name for row in plan.unmapped if row.kind == "other"]

    assert xb.verify(mapped, sample).max_difference == 0
    through = flat(mapped(**sample))
    for a, b in zip(through, flat(mapped.execute((), sample, mode="digital")), strict=True):
        assert torch.equal(a, b)

    program, worst = mapped.body.program, []

    def compare(step: Any, args: tuple[Any, ...], call: dict[str, Any]) -> torch.Tensor:
        """Hold the layer against its float product on the float network's inputs."""
        product, x = program.products[step.name], args[0]
        layer = mapped.body.layers[product.weight_key]
        expected = product.compute(x)
        off = (layer.run(x, product) - expected).abs()
        step_x = layer.input.scale
        magnitude = replace(product, weight=product.weight.abs(), bias=None)
        ones = replace(product, weight=torch.ones_like(product.weight), bias=None)
        axis = 1 if product.kind != "linear" else -1
        scale = torch.from_numpy(layer.weight_scale).float().movedim(0, -1)
        scale = scale.reshape([-1 if k == axis % x.dim() else 1 for k in range(x.dim())])
        bound = step_x / 2 * magnitude.compute(torch.ones_like(x))
        bound = bound + scale / 2 * ones.compute(x.abs() + step_x / 2)
        assert bool((off <= bound * 1.001 + 1e-5 * expected.abs().max() + 1e-7).all()), step.name
        worst.append(float((off / (bound + 1e-12)).max()))
        return expected

    with torch.no_grad():
        program.run((), sample, compare)
    assert max(worst) > 0.01  # the bound is not so loose that nothing could break it

    assert set(model.__dict__) == attributes
    assert not any(module.training for module in model.modules())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
