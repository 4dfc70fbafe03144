"""The constants of CartPole, in SI units: those of gymnasium's `CartPole-v1`."""

import math

GRAVITY = 9.8
CART_MASS = 1.0
POLE_MASS = 0.1
TOTAL_MASS = CART_MASS + POLE_MASS

HALF_LENGTH = 0.5
"""From the joint to the middle of the pole, where its mass is."""

POLE_MOMENT = POLE_MASS * HALF_LENGTH

FORCE = 10.0
"""How hard the cart is pushed, to the left by action 0 and to the right by action 1."""

TIME_STEP = 0.02
"""Seconds between two actions."""

MAX_POSITION = 2.4
"""The episode ends where the cart is further from the middle than this."""

MAX_ANGLE = 12 * 2 * math.pi / 360
"""The episode ends where the pole leans further than this: 12 degrees, in radians."""

MAX_START = 0.05
"""Every number of a first observation lies between minus this and this."""

TIME_LIMIT = 500
"""Steps after which an episode is cut short, although the pole still stands."""

NUM_OBSERVED = 4
"""Cart position, cart velocity, angle of the pole, angular velocity of the pole."""

NUM_ACTIONS = 2
