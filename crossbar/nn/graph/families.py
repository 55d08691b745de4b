"""Operators of torch by what they are to the hardware: one table of bare names."""

from __future__ import annotations

__all__ = ["KINDS", "PASSED", "PERMUTATIONS", "TAPS", "label"]

PASSED = ("clone", "contiguous", "to", "_to_copy", "type_as")
"""Operations that move no data between components: their users take the producer's result."""

PERMUTATIONS = (
    *("adjoint", "mT", "matrix_H", "movedim", "moveaxis", "numpy_T", "permute", "swapaxes"),
    *("swapdims", "t", "transpose"),
)
"""Operators that put the axes into another order."""

TAPS = {
    "_upsample_bicubic2d_aa": 16,
    "_upsample_bilinear2d_aa": 4,
    "grid_sampler": 4,
    "grid_sampler_2d": 4,
    "grid_sampler_3d": 8,
    "upsample_bicubic2d": 16,
    "upsample_bilinear2d": 4,
    "upsample_linear1d": 2,
    "upsample_trilinear3d": 8,
}
"""Inputs that an output of an interpolation is weighted of."""

_BASES = {
    "activation": """
        abs acos acosh angle arctan asin asinh atan atan2 atanh ceil celu clamp clamp_max clamp_min
        clip cos cosh deg2rad digamma elu erf erfc erfinv exp exp2 expm1 fix floor frac gelu
        hardshrink hardsigmoid hardswish hardtanh leaky_relu lgamma log log10 log1p log2
        log_sigmoid logit mish nan_to_num neg negative pow prelu rad2deg reciprocal relu relu6 round
        rrelu rsqrt selu sgn sigmoid sign silu sin sinc sinh softplus softshrink special_expit sqrt
        square tan tanh threshold trunc
    """,
    "add": """
        add cumsum diff index_add logcumsumexp logsumexp rsub scatter_add scatter_reduce
        segment_reduce std std_mean sub subtract sum trace var var_mean
    """,
    "attention": "scaled_dot_product_attention",
    "batchnorm": "batch_norm",
    "concat": "cat column_stack concat concatenate dstack hstack stack vstack",
    "embedding": "embedding",
    "interpolate": " ".join(TAPS),
    "logic": """
        __and__ __lshift__ __or__ __rshift__ __xor__ all any bitwise_and bitwise_left_shift
        bitwise_not bitwise_or bitwise_right_shift bitwise_xor bucketize eq fmax fmin ge greater
        greater_equal gt isfinite isin isinf isnan isneginf isposinf le less less_equal logical_and
        logical_not logical_or logical_xor lt masked_fill masked_scatter maximum minimum ne
        not_equal one_hot searchsorted where
    """,
    "matmul": """
        addbmm addmm addmv baddbmm bmm chain_matmul dot einsum inner linear matmul mm mv tensordot
        vdot
    """,
    "mul": """
        addcdiv addcmul cosine_similarity cumprod dist div divide floor_divide fmod frobenius_norm
        ger glu lerp linalg_norm linalg_vector_norm mul multiply norm outer prod remainder
        true_divide
    """,
    "norm": """
        group_norm instance_norm layer_norm native_group_norm native_layer_norm rms_norm
    """,
    "pool_avg": """
        _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
        adaptive_avg_pool3d avg_pool1d avg_pool2d avg_pool3d mean
    """,
    "pool_max": """
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax amin aminmax argmax argmin
        cummax cummin max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d
        max_pool3d_with_indices median min
    """,
    "reshape": """
        _reshape_copy _unsafe_view _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d arange as_strided atleast_1d atleast_2d atleast_3d broadcast_to
        channel_shuffle chunk col2im constant_pad_nd copy diag_embed diagonal dsplit empty
        empty_like expand expand_as eye fill flatten flip fliplr flipud full full_like gather
        hsplit im2col imag index index_copy index_fill index_put index_select linspace
        masked_select meshgrid narrow new_empty new_full new_ones new_zeros ones ones_like pad
        pixel_shuffle pixel_unshuffle ravel real reflection_pad1d reflection_pad2d
        reflection_pad3d repeat repeat_interleave replication_pad1d replication_pad2d
        replication_pad3d reshape reshape_as roll rot90 scalar_tensor scatter select
        select_scatter slice slice_scatter split split_with_sizes squeeze take take_along_dim
        tensor_split tile tril triu unbind unflatten unfold unsafe_chunk unsafe_split unsqueeze
        upsample_nearest1d upsample_nearest2d upsample_nearest3d view view_as vsplit zeros
        zeros_like
    """
    + " ".join(PERMUTATIONS),
    "softmax": "_log_softmax _safe_softmax _softmax log_softmax softmax",
}

KINDS = {base: kind for kind, bases in _BASES.items() for base in bases.split()}
"""Bare name of an operator -> workload kind."""

_LABELS = {
    "constant_pad_nd": "pad",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "scaled_dot_product_attention": "attention",
}


def label(base: str) -> str:
    """Return the name that users know an operator by."""
    bare = base.lstrip("_").removeprefix("native_").removeprefix("unsafe_")
    return _LABELS.get(base, bare.removesuffix("__"))
