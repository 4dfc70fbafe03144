"""What every tutorial's module `evaluation` offers, and how it is found by the tutorial's name."""

import importlib
from typing import Any, Protocol, cast, runtime_checkable

from tutorials_lib import presets
from tutorials_lib.benchmark.lookup import package_of
from tutorials_lib.judge.judgement import Judgement, Score


@runtime_checkable
class Evaluation(Protocol):
    """The module `evaluation` of a tutorial."""

    def baselines(self, data: Any, config: Any, *, seed: int) -> dict[str, Score]:
        """What each rival reaches on `data`, tuned on its development split alone."""
        ...

    def judge(self, config: Any, *, seed: int, trained: Any = None) -> Judgement:
        """What was `trained`, or is trained now, beside the rivals on the same held-out data."""
        ...


class NoEvaluationError(LookupError):
    """The tutorial has no module `evaluation` with the functions `baselines` and `judge`."""


def load_evaluation(slug: str) -> Evaluation:
    """The module `evaluation` of the tutorial `slug`.

    Raises:
        KeyError: no tutorial has this name.
        NoEvaluationError: the tutorial cannot be judged yet.
    """
    name = f"{package_of(slug)}.evaluation"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # something that the module itself imports
        module = None
    missing = [function for function in ("baselines", "judge") if not hasattr(module, function)]
    if missing:
        raise NoEvaluationError(
            f"{slug} cannot be judged: {name} has no function {' and no function '.join(missing)}"
        )
    return cast("Evaluation", module)


def load_config(slug: str) -> Any:
    """The configuration of the tutorial `slug` that the environment asks for.

    Raises:
        KeyError: no tutorial has this name.
        ValueError: `TUTORIALS_PRESET` or `TUTORIALS_DATA` has a value that is not known, or the
            tutorial has no such preset.
    """
    problem = importlib.import_module(f"{package_of(slug)}.problem")
    return presets.choose(problem.PRESETS)
