"""What training reached on held-out data, beside the rivals that it has to beat.

Every tutorial has a module `evaluation` with two functions:

    def baselines(data, config, *, seed) -> dict[str, Score]
    def judge(config, *, seed, trained=None) -> Judgement

`baselines` scores every rival. `judge` loads the data, trains unless it is given what has been
`trained`, and sets the result beside them. A page passes what it has trained, so that nothing is
trained twice, and its benchmark record takes what `Judgement.quality` gives.

On the command line: `python -m tutorials_lib.judge --help`.
"""

from tutorials_lib.judge.judgement import Judgement, Score

__all__ = ["Judgement", "Score"]
