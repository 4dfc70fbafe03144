"""The rivals of matrix_factorization, and what training reaches beside them on held-out data."""

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.matrix_factorization import in_jax
from tutorials_lib.tabular.matrix_factorization.problem import Config, Features

Data = tuple[Features, Features]


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """TO WRITE: every rival by its name; its settings are tuned on a part of the training data."""
    raise NotImplementedError


def judge(config: Config, *, seed: int, trained: in_jax.Params | None = None) -> Judgement:
    """TO WRITE: what the parameters reach on held-out data; without any, they are trained here."""
    raise NotImplementedError
