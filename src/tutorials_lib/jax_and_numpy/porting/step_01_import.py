"""The import is swapped, and nothing else; the first assignment to an element raises."""

import jax.numpy as jnp
from numpy.random import Generator

from tutorials_lib.jax_and_numpy.porting.problem import HEATER, SENSOR, Grid, Plate, Scalar, Series


def simulate(start: Grid, rng: Generator, max_steps: int, plate: Plate) -> tuple[Grid, Series]:
    """Heat until all is warm: the last temperatures, and the mean after every step."""
    temperature = jnp.array(start)
    means = []
    for _ in range(max_steps):
        if temperature.min() > plate.goal:
            break
        advance(temperature, rng.standard_normal(), plate)
        means.append(temperature.mean())
    return temperature, jnp.array(means)


def advance(temperature: Grid, noise: Scalar, plate: Plate) -> None:
    """One time step."""
    center = temperature[1:-1, 1:-1]
    neighbours = temperature[:-2, 1:-1] + temperature[2:, 1:-1]
    neighbours += temperature[1:-1, :-2] + temperature[1:-1, 2:]
    center += plate.diffusion * (neighbours - 4 * center)
    temperature[0], temperature[-1] = temperature[1], temperature[-2]
    temperature[:, 0], temperature[:, -1] = temperature[:, 1], temperature[:, -2]
    if temperature[SENSOR] + plate.sensor_noise * noise < plate.target:
        temperature[HEATER] += plate.heat
