"""The numbers are 32 bits long."""

import jax
import jax.numpy as jnp

from tutorials_lib.jax_and_numpy.porting.problem import HEATER, SENSOR, Grid, Plate, Scalar, Series

State = tuple[int | jax.Array, Grid, Series]


def draw_noise(key: jax.Array, max_steps: int) -> Series:
    """The errors of the sensor, one for each time step."""
    return jax.random.normal(key, (max_steps,))


@jax.jit
def simulate(start: Grid, noise: Series, plate: Plate) -> tuple[Grid, Series]:
    """Heat until all is warm: the last temperatures, and the mean after every step."""

    def is_cold(state: State) -> jax.Array:
        step, temperature, _ = state
        return (step < len(noise)) & (temperature.min() <= plate.goal)

    def step(state: State) -> State:
        step, temperature, means = state
        temperature = advance(temperature, noise[step], plate)
        return step + 1, temperature, means.at[step].set(temperature.mean())

    start, noise = jnp.array(start, jnp.float32), jnp.array(noise, jnp.float32)
    means = jnp.full(len(noise), jnp.nan, jnp.float32)
    _, temperature, means = jax.lax.while_loop(is_cold, step, (0, start, means))
    return temperature, means


def advance(temperature: Grid, noise: Scalar, plate: Plate) -> Grid:
    """One time step."""
    center = temperature[1:-1, 1:-1]
    neighbours = temperature[:-2, 1:-1] + temperature[2:, 1:-1]
    neighbours += temperature[1:-1, :-2] + temperature[1:-1, 2:]
    change = plate.diffusion * (neighbours - 4 * center)
    temperature = jnp.pad(center + change, 1, mode="edge")
    is_cold = temperature[SENSOR] + plate.sensor_noise * noise < plate.target
    return temperature.at[HEATER].add(jnp.where(is_cold, plate.heat, 0.0))
