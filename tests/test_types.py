"""Annotations are checked at every call while the tests run, arrays by shape and type."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from tutorials_lib import figures
from tutorials_lib.layers.linear.in_numpy import linear


def test_a_plain_argument_of_the_wrong_type_is_refused():
    with pytest.raises(TypeCheckError, match="svg"):
        figures.darken(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("shapes", [((5, 2), (3, 4), (4,)), ((5, 3, 1), (3, 4), (4,))])
def test_arrays_whose_axes_do_not_fit_are_refused(shapes: tuple[tuple[int, ...], ...]):
    with pytest.raises(TypeCheckError, match="features"):
        linear(*(np.zeros(shape) for shape in shapes))


def test_what_fits_is_let_through():
    y, vjp = linear(np.zeros((5, 3)), np.zeros((3, 4)), np.zeros(4))
    assert y.shape == (5, 4)
    dx, grads = vjp(y)
    assert dx.shape == (5, 3)
    assert {name: gradient.shape for name, gradient in grads.items()} == {
        "kernel": (3, 4),
        "bias": (4,),
    }
