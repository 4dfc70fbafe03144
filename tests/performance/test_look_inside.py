"""The chapter that looks inside: what it counts is right for programs whose counts are known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.performance.look_inside import costs, stages

ARGUMENTS = stages.example(20, 12, 8)


def test_both_libraries_classify_alike_and_the_shares_add_up_to_one() -> None:
    ours = stages.classify_in_numpy(*ARGUMENTS)
    theirs = jax.jit(stages.classify)(*map(jnp.asarray, ARGUMENTS))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-5)


def test_numpy_makes_one_pass_for_each_operation() -> None:
    calls = stages.numpy_calls(lambda x, y: np.exp(2 * x + y).sum(), np.ones(10), np.ones(10))
    assert calls == [
        ("multiply", 80, 80), ("add", 160, 80), ("exp", 80, 80), ("add.reduce", 80, 8),
    ]  # fmt: skip


def test_numpy_holds_the_temporary_arrays_that_a_call_makes() -> None:
    x = np.ones(100_000)
    assert stages.numpy_peak_bytes(np.exp, x) == pytest.approx(x.nbytes, rel=0.01)
    assert stages.numpy_peak_bytes(lambda x: x * x + x / 3, x) >= 2 * x.nbytes


def test_the_primitives_of_inner_functions_are_counted_too() -> None:
    @jax.jit
    def inner(x: jax.Array) -> jax.Array:
        return jnp.sin(x)

    names = stages.primitives(jax.make_jaxpr(lambda x: inner(x) + 1)(1.0))
    assert names[-2:] == ["sin", "add"]


def test_statements_of_stablehlo_are_counted_once() -> None:
    lowered = jax.jit(lambda x: jnp.sin(x).max()).lower(jnp.ones(3))
    assert stages.stablehlo_operations(lowered.as_text()) == ["sine", "constant", "reduce"]


HLO = """HloModule jit_f, entry_computation_layout={(f32[8]{0})->(f32[8]{0}, f32[])}

%fused_computation (param_0: f32[8]) -> f32[8] {
  %param_0 = f32[8]{0} parameter(0)
  %exp.1 = f32[8]{0} exponential(%param_0), metadata={op_name="jit(f)/weigh/exp" stack_frame_id=2}
  ROOT %neg.1 = f32[8]{0} negate(%exp.1), metadata={op_name="jit(f)/turn/neg" stack_frame_id=3}
}

ENTRY %main.3 (x.1: f32[8]) -> (f32[8], f32[]) {
  %x.1 = f32[8]{0} parameter(0), metadata={op_name="x"}
  %my_fusion = f32[8]{0} fusion(%x.1), kind=kLoop, calls=%fused_computation
  %pair = (f32[8]{0}, s32[]) custom-call(%my_fusion), metadata={op_name="jit(f)/sort"}
  ROOT %tuple = (f32[8]{0}, s32[]) tuple(%my_fusion, %pair)
}
"""


def test_kernels_of_hlo_are_read_with_what_is_inside_them() -> None:
    fused, alone = stages.kernels(HLO)
    assert (fused.name, fused.type) == ("my_fusion", "f32[8]")
    assert (fused.operations, fused.scopes) == ("exp, neg", "weigh, turn")
    assert (alone.name, alone.type) == ("pair", "(f32[8], s32[])")
    assert (alone.operations, alone.scopes) == ("sort", "")


def test_the_compiler_leaves_fewer_kernels_than_operations_and_keeps_the_scopes() -> None:
    lowered = jax.jit(stages.classify).lower(*ARGUMENTS)
    found = stages.kernels(str(lowered.compile().as_text()))
    assert 0 < len(found) < len(stages.stablehlo_operations(lowered.as_text()))
    assert {"scores", "softmax"} <= set(", ".join(k.scopes for k in found).split(", "))


def test_extracts_keep_the_statements_alone_and_cut_them() -> None:
    assert stages.entry_lines(HLO)[0].strip() == "%x.1 = f32[8] parameter(0)"
    assert len(stages.entry_lines(HLO)) == 4
    assert stages.shortened(["  %x = f32[]", "ROOT %y"], width=8) == "%x = f …\nROOT %y"
    lowered = jax.jit(jnp.sin).lower(1.0)
    assert len(stages.stablehlo_lines(lowered.as_text())) == 1


def test_the_estimate_for_a_matrix_product_is_exact() -> None:
    product = jax.jit(jnp.matmul).lower(jnp.ones((5, 7)), jnp.ones((7, 3))).compile()
    assert costs.costs(product) == (2 * 5 * 7 * 3, 0, 4 * (5 * 7 + 7 * 3 + 5 * 3))


def test_loops_count_once_and_exponentials_count_apart() -> None:
    found = costs.counted_twice(16)
    once = found["one matrix product"]
    assert once.estimate.flops == once.by_hand == 2 * 16**3
    written_out = found["ten products, written out"]
    assert written_out.estimate.flops == written_out.by_hand == 10 * once.by_hand
    assert found["ten products, `scan`"].estimate.flops < 2 * once.by_hand
    assert found["exponential of every number"].estimate[:2] == (0, 16**2)
    edge = found["convolution, zeros at the edge"]
    assert 0.9 * edge.by_hand < edge.estimate.flops < edge.by_hand


def test_a_donated_argument_shares_its_memory_with_the_output() -> None:
    x = jnp.ones(1_000)
    kept, given = (costs.memory(lambda x: 2 * x, x, donate=d) for d in ((), (0,)))
    assert (kept.total, given.total) == (2 * x.nbytes, x.nbytes)


@pytest.mark.parametrize("scan", [True, False])
def test_recomputing_changes_no_gradient(scan: bool) -> None:
    weights, x = 0.5 * jnp.ones((3, 2, 4, 4)), jnp.ones((5, 4))
    kept, again = (
        jax.grad(partial(costs.deep_loss, recompute=recompute, scan=scan))(weights, x)
        for recompute in (False, True)
    )
    np.testing.assert_allclose(kept, again, rtol=1e-5)
    assert float(jnp.abs(kept).max()) > 0


def test_recomputing_needs_fewer_temporaries_in_a_scan_and_more_arithmetic_in_python() -> None:
    found = costs.kept_and_recomputed(num_blocks=6, num_rows=256, width=8)
    assert len(found) == 4
    kept, again, kept_in_python, again_in_python = found.values()
    assert again.temporaries < kept.temporaries / 2
    assert again_in_python.flops > 1.2 * kept_in_python.flops
