"""What the page reads off runs, threads and experiments: tables and sentences."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import TIME_LIMIT
from tutorials_lib.judge import Judgement
from tutorials_lib.reinforcement.a3c import comparison, evaluation, in_numpy, problem
from tutorials_lib.reinforcement.a3c.asynchronous import staleness
from tutorials_lib.reinforcement.a3c.evaluation import ONE_AGENT, Trained
from tutorials_lib.reinforcement.a3c.experiments import Reached, Threads, curve_of
from tutorials_lib.reinforcement.a3c.problem import Config
from tutorials_lib.trees import tree_map


def settings(config: Config) -> dict[str, str]:
    """What the prose says of the settings, by the names that it glues."""
    return {
        "num_envs": f"{config.num_envs}",
        "num_steps": f"{config.num_steps}",
        "batch_size": f"{config.batch_size}",
        "total_steps": f"{config.total_steps:,}",
        "num_updates": f"{config.num_updates:,}",
        "num_updates_alone": f"{problem.with_agents(config, 1).num_updates:,}",
        "discount": f"{config.discount:g}",
        "trace": f"{config.trace:g}",
        "entropy": f"{config.entropy:g}",
        "width": f"{config.hidden[0]}",
        "reward": f"{problem.REWARD:g}",
        "time_limit": f"{TIME_LIMIT}",
        "num_episodes": f"{problem.NUM_EPISODES}",
    }


def example_table(trained: Trained, *, place: int = 0) -> MarkdownRows:
    """One rollout of one agent whose pole is about to fall, with all that is learned from it."""
    config = dataclasses.replace(trained.config, num_envs=1, num_steps=8)
    params = tree_map(lambda x: x[place], trained.params)
    leaning = np.array([[0.0, 0.0, 0.1, 2.2]], np.float32)  # nothing can save this one
    carts = cartpole.start(leaning)
    draws = problem.Draws(*(x[0] for x in problem.draw(config, seed=0, num_updates=1)))
    _, played = in_numpy.rollout(params, carts, draws, config)
    flat = played.observation_t[:, 0]
    logits, value = (f(params, flat, config) for f in (in_numpy.logits_of, in_numpy.values_of))
    right = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    at_once = dataclasses.replace(config, trace=0.0)
    surprise, advantage = (
        in_numpy.advantages(params, played, value, each) for each in (at_once, config)
    )
    rows = []
    for t in range(config.num_steps):
        angle = np.degrees(played.observation_t[t, 0, 2])
        push = "right" if played.action_t[t, 0] else "left"
        end = " (falls)" if played.terminated[t, 0] else ""
        numbers = (value[t], surprise[t], advantage[t])
        rows.append(
            [f"{t}", f"{angle:+.1f}°", f"{right[t]:.0%}", push + end]
            + [f"{number:+.2f}" for number in numbers]
        )
    header = ["Step", "angle", "p(right)", "push", "value", "surprise", "advantage"]
    return MarkdownRows(header, rows, of_words=(0, 3))


def threads_table(found: Mapping[str, Mapping[int, Threads]]) -> MarkdownRows:
    """Speed, staleness and return by library and number of workers, all with as many steps."""
    rows = []
    for library, by_count in found.items():
        for count, threads in by_count.items():
            late = staleness(threads.store)
            ended = curve_of(threads, num_parts=4)[-1]
            numbers = f"{threads.speed:,.0f}", f"{late.mean():.1f}", f"{late.max()}", f"{ended:.0f}"
            rows.append([library, f"{count}", *numbers])
    header = ["Workers of", "how many", "steps a second", "staleness", "largest", "last quarter"]
    return MarkdownRows(header, rows)


def say_threads(found: Mapping[str, Mapping[int, Threads]]) -> str:
    """How many times the steps of one worker the most workers do, for each library."""
    told = [
        f"{by_count[max(by_count)].speed / by_count[min(by_count)].speed:.1f} times with {library}"
        for library, by_count in found.items()
    ]
    most = max(next(iter(found.values())))
    return f"Here {most} workers do {' and '.join(told)} the steps a second of one"


def describe_timeline(num_updates: int, late: np.ndarray) -> str:
    """Alternative text of the timeline."""
    return (
        f"{num_updates} updates as bars, a row for each worker, each from the version of the "
        "parameters that it read to the one that it wrote. Bars of different workers overlap; "
        f"the longest passes over {int(late.max())} updates by others."
    )


def describe_staleness(found: Mapping[int, np.ndarray]) -> str:
    """Alternative text of the histograms."""
    told = "; ".join(
        f"{count} workers, {late.mean():.1f} updates on average" for count, late in found.items()
    )
    return f"Histograms of how many updates a gradient comes too late: {told}."


def numbers_table(trained: Mapping[int, Trained], starts: np.ndarray) -> MarkdownRows:
    """How the runs of each number of agents ended, and how fast they learned."""
    rows = []
    for number, each in trained.items():
        places = range(len(each.runs))
        ends = np.array(
            [evaluation.mean_return(evaluation.policy(each, place), starts) for place in places]
        )
        rows.append(
            [
                f"{number}",
                f"{each.runs[0].learning_rate:g}",
                f"{each.config.num_updates:,}",
                f"{each.seconds:.1f}",
                f"{evaluation.curves(each.seen).mean():.0f}",
                f"{ends.mean():.0f}",
                f"{ends.min():.0f}",
            ]
        )
    last = "at the end (development)", "worst"
    return MarkdownRows(
        ["Agents", "rate", "updates", "seconds of all runs", "while training", *last], rows
    )


def describe_curves(trained: Mapping[int, Trained]) -> str:
    """Alternative text of the curves against steps and seconds."""
    told = "; ".join(
        f"{number} agent{'s' * (number > 1)}: {evaluation.curves(each.seen)[:, -1].mean():.0f} in "
        "the last part, "
        f"after {each.seconds:.1f} seconds"
        for number, each in trained.items()
    )
    return (
        "Mean return of the episodes during training, against steps, and against the seconds of "
        f"five runs side by side. {told}."
    )


def reached_table(found: Mapping[str, Mapping[float, Reached]], *, first: str) -> MarkdownRows:
    """How the runs with each learning rate went, a row a setting and rate."""
    rows = [
        [
            name,
            f"{rate:g}",
            f"{each.learning.mean():.0f}",
            ", ".join(f"{balanced:.0f}" for balanced in each.balanced),
        ]
        for name, by_rate in found.items()
        for rate, each in by_rate.items()
    ]
    return MarkdownRows([first, "rate", "while training", "each run at the end"], rows)


def say_company(found: Mapping[str, Mapping[float, Reached]]) -> str:
    """How far the best rate brings each number of agents."""
    best = {name: max(each.balanced.mean() for each in by.values()) for name, by in found.items()}
    told = " and ".join(f"{reached:.0f} with {name}" for name, reached in best.items())
    few, *_, many = best.values()
    end = "Company changes little here."
    if many > 1.2 * few:
        end = "The agents together learn what the one does not."
    elif few > 1.2 * many:
        end = "The one learns more alone."
    return f"At the best of the rates tried, the mean return at the end is {told}. {end}"


def say_numbers(trained: Mapping[int, Trained]) -> str:
    """The return while training with the fewest and with the most agents."""
    few, many = min(trained), max(trained)
    learning = {each: evaluation.curves(trained[each].seen).mean() for each in (few, many)}
    updates = (f"{trained[each].config.num_updates:,}" for each in (few, many))
    return "With as many steps in all, the mean return while training is " + " and ".join(
        f"{learning[each]:.0f} with {each} ({count} updates)"
        for each, count in zip((few, many), updates, strict=True)
    )


def lateness_of(
    found: Mapping[int, Mapping[float, Reached]],
) -> dict[str, dict[int, np.ndarray]]:
    """The returns while training by rate and delay."""
    rates = next(iter(found.values()))
    return {
        f"{rate:g}": {delay: by_rate[rate].learning for delay, by_rate in found.items()}
        for rate in rates
    }


def describe_lateness(by_rate: Mapping[str, Mapping[int, np.ndarray]]) -> str:
    """Alternative text of the cost of being late."""
    told = "; ".join(
        f"rate {rate}: "
        + ", ".join(f"{runs.mean():.0f} at {delay}" for delay, runs in each.items())
        for rate, each in by_rate.items()
    )
    return f"Return while training against the delay in updates. {told}."


def say_lateness(found: Mapping[int, Mapping[float, Reached]]) -> str:
    """What the longest delay costs at the smallest and at the largest learning rate."""
    delays, rates = list(found), list(next(iter(found.values())))

    def told(rate: float) -> str:
        before, after = (found[delay][rate].learning.mean() for delay in (delays[0], delays[-1]))
        return (
            f"at a rate of {rate:g} the return while training goes from {before:.0f} to {after:.0f}"
        )

    few, many = told(rates[0]), told(rates[-1])
    return f"From no delay to one of {delays[-1]} updates, {few}, and {many}."


def speeds(
    record: Record, threads: Mapping[str, Mapping[int, Threads]]
) -> dict[str, dict[int, float]]:
    """Steps a second of all agents together: both twins, and workers in threads."""
    found: dict[str, dict[int, float]] = {"NumPy, in step": {}, "JAX, one program": {}}
    ends = comparison.COMPARISON.baseline.name, comparison.COMPARISON.jax_headline.name
    for size in record.sizes:
        config = comparison.COMPARISON.sizes[size.label]
        steps = comparison.NUM_UPDATES * config.batch_size
        for name, variant in zip(found, ends, strict=True):
            found[name][config.num_envs] = steps / size.timing(variant).seconds.median
    found |= {
        f"{library} in threads": {count: each.speed for count, each in by_count.items()}
        for library, by_count in threads.items()
    }
    return found


def describe_speeds(found: Mapping[str, Mapping[int, float]]) -> str:
    """Alternative text of the throughput, from the fewest to the most."""
    told = []
    for name, by_number in found.items():
        (few, slow), (many, fast) = min(by_number.items()), max(by_number.items())
        told.append(f"{name}: {slow:,.0f} with {few}, {fast:,.0f} with {many}")
    return f"Steps a second against agents or workers. {'; '.join(told)}."


def rivals(judgement: Judgement) -> MarkdownRows:
    """All policies from the best to the worst, with what is known of how they learned."""
    name = next(each for each in judgement.details if each != ONE_AGENT)
    scores = {name: judgement.value}
    scores |= {rival: score.held_out for rival, score in judgement.baselines.items()}
    rows = []
    for each in sorted(scores, key=lambda each: scores[each], reverse=True):
        known = judgement.details.get(each)
        learning = f"{known['return while training']:.0f}" if known else ""
        rows.append([each, f"{scores[each]:.1f}", learning])
    return MarkdownRows(["Policy", "return at the end", "while training"], rows)


def say_verdict(judgement: Judgement) -> str:
    """Whether the strongest rival is beaten, and if not, why."""
    name, line = judgement.strongest
    told = f"The agents have {judgement.value:.1f} against {line:.1f} of the {name}"
    if judgement.met:
        return f"{told}: *met*."
    if line < TIME_LIMIT:
        return f"{told}: *not met*."
    return (
        f"{told}: *not met*, and it cannot be. An episode ends after {TIME_LIMIT} steps, so "
        "there is no room above a policy that always lasts that long."
    )


def compare_learning(together: Trained, alone: Trained) -> str:
    """Who learned faster with as many steps, over the seeds: many agents, or the one."""
    many, one = (evaluation.curves(each.seen).mean(1) for each in (together, alone))
    number, word = together.config.num_envs, "more" if many.mean() > one.mean() else "less"
    return (
        f"While training, {number} agents have a mean return of {many.mean():.0f} over the "
        f"{len(many)} runs, {word} than the {one.mean():.0f} of one agent; they are ahead in "
        f"{(many > one).sum()} of {len(many)}"
    )
