"""One form for the results of either twin, so that they can be compared leaf by leaf.

The twins carry the same numbers in different containers: Optax nests the state of an optimizer in
tuples of its own, and the NumPy optimizers keep their moments as one vector.
"""

from typing import Any

import optax

from tutorials_lib import optimizers
from tutorials_lib.trees import unravel

_OPTAX_NAMES = ("count", "mu", "nu", "trace")


def canonical_form(result: Any) -> Any:
    """`result` with named tuples as dicts and optimizer states as dicts of what they remember.

    A named tuple with the field `opt_state` is taken for the state of a training step; the moments
    of its optimizer get the form of the field `params` or, without one, of the first field. Other
    tuples, lists and dicts keep their kind.
    """
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        fields: dict[str, Any] = result._asdict()  # type: ignore[attr-defined]
        if "opt_state" in fields:
            fields["opt_state"] = _optimizer_state(
                fields["opt_state"], fields.get("params", result[0])
            )
        return {name: canonical_form(value) for name, value in fields.items()}
    if isinstance(result, dict):
        return {name: canonical_form(value) for name, value in result.items()}
    if isinstance(result, tuple | list):
        return type(result)(canonical_form(value) for value in result)
    return result


def _optimizer_state(state: Any, params: Any) -> Any:
    """The counter and the moments of an optimizer by Optax's names, as far as it has them."""
    if isinstance(state, optimizers.AdamState):
        tree = isinstance(params, dict)
        moments = {
            name: unravel(moment, params) if tree else moment.reshape(params.shape)
            for name, moment in (("mu", state.mu), ("nu", state.nu))
        }
        return {"count": state.steps, **moments}
    if isinstance(state, optimizers.MomentumState):
        return {"count": state.steps, "trace": state.trace}
    found = {name: optax.tree_utils.tree_get_all_with_path(state, name) for name in _OPTAX_NAMES}
    if not any(found.values()):
        return state
    return {name: values[0][1] for name, values in found.items() if values}
