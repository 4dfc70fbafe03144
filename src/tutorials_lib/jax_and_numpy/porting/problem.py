"""The plate that all versions of the program heat: its layout, its numbers and its types.

A square plate of metal is insulated at its edges. Heating rods inside it are switched by a
thermostat whose sensor is noisy. The question is how long it takes until no place of the plate is
colder than a goal.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

SIZE = 65
"""Rows and columns of the grid; the outermost ones repeat their neighbours."""

HEATER = np.s_[4:61:8, 4:61]
"""The places that the heater warms: eight rods."""

SENSOR = (32, 32)
"""The place that the thermostat measures."""

Grid = Float[Any, "rows columns"]
"""Temperatures of the plate, in degrees, in an array of NumPy or of JAX."""

Series = Float[Any, "_"]
"""One number for each time step; what is drawn may be longer than what is recorded."""

Scalar = Float[Any, ""] | float
"""One number."""


class Plate(NamedTuple):
    """The numbers of a simulation; as a pytree, JAX takes them as inputs of a program."""

    diffusion: Any = 0.24
    """Share of the difference to the neighbours that is evened out in a step; at most 1/4."""
    heat: Any = 4.0
    """Degrees that the heater adds in a step."""
    sensor_noise: Any = 0.5
    """Standard deviation of the sensor's error, in degrees."""
    target: Any = 70.0
    """The thermostat heats while its sensor shows less, in degrees."""
    goal: Any = 55.0
    """The simulation ends when every place is warmer than this, in degrees."""


DEFAULT = Plate()
"""The plate of the chapter."""


def start() -> Float[np.ndarray, "rows columns"]:
    """A plate at room temperature, in float64, as NumPy makes it."""
    return np.full((SIZE, SIZE), 20.0)
