"""Deterministic values that Python and Rust (`keel_testkit::deterministic`) compute identically.

Value `index` of stream `seed` is output number `index` of the generator splitmix64 started at `seed`; its top 24 bits,
divided by 2**24, are a number in [0, 1).
"""

import numpy as np

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
LEVELS = 1 << 24


def top_bits(seed, length):
    """Returns the top 24 bits of the first `length` outputs of splitmix64, as int64."""
    with np.errstate(over="ignore"):
        index = np.arange(1, length + 1, dtype=np.uint64)
        bits = np.uint64(seed) + INCREMENT * index
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    return (bits >> np.uint64(40)).astype(np.int64)


def values(seed, length, low, high):
    """Returns `length` float32 values, uniform in [low, high); the limits are float32, the scaling is float64."""
    low, high = float(np.float32(low)), float(np.float32(high))
    return (low + (high - low) * (top_bits(seed, length) / LEVELS)).astype(np.float32)


def tensor_values(seed, shape, low, high):
    """Returns values like `values`, with a shape."""
    return values(seed, int(np.prod(shape, dtype=np.int64)), low, high).reshape(shape)


def labels(seed, length, classes):
    """Returns `length` labels in 0..classes."""
    return (top_bits(seed, length) * classes) // LEVELS


def kaiming_limit(fan_in):
    """Returns the limit of the uniform initialisation with `fan_in` inputs: sqrt(6 / fan_in), as float32."""
    return float(np.float32(np.sqrt(6.0 / fan_in)))
