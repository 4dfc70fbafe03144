"""A comparison small enough to be measured in a moment, for the tests of the benchmark."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from tutorials_lib import benchmark
from tutorials_lib.tabular.kmeans import in_sklearn


@dataclass(frozen=True, kw_only=True)
class Config:
    """The number of rows of a small product."""

    num_rows: int = 8


def make_inputs(config: Config) -> dict:
    rng = np.random.default_rng(0)
    return {
        "x": rng.standard_normal((config.num_rows, 4)).astype(np.float32),
        "w": rng.standard_normal((4, 4)).astype(np.float32),
    }


def layer(twin, inputs: dict, config: Config) -> dict:
    return {"y": twin.tanh(inputs["x"] @ inputs["w"])}


def wrong_in_jax(twin, inputs: dict, config: Config) -> dict:
    factor = 1.001 if twin is jnp else 1
    return {"y": twin.tanh(inputs["x"] @ inputs["w"]) * factor}


def never(twin, inputs: dict, config: Config) -> dict:
    raise AssertionError("a variant whose software is missing was run")


COMPARISON = benchmark.Comparison(
    slug="kmeans",
    unit="one layer",
    sizes={f"{n} rows": Config(num_rows=n) for n in (2, 8, 32)},
    headline="8 rows",
    agreement=Config(),
    make_inputs=make_inputs,
    checks=(benchmark.Check(name="output", run=layer, float32_tolerance=1e-5),),
    variants=(
        benchmark.Variant(name="NumPy", run=layer, twin=np),
        benchmark.Variant(name="JAX, op by op", run=layer, twin=jnp),
        benchmark.Variant(name="JAX, jit", run=layer, twin=jnp, jit="whole", explains="one kernel"),
        benchmark.Variant(name="missing", run=never, twin=in_sklearn, requires="no_such_module"),
    ),
    tolerance=1e-5,
    tolerance_reason="rounding",
)
