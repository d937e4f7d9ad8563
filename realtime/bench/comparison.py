"""Two reports compared, as text: what is another figure, and what is noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from realtime.bench.figures import DRIFT, Metric, compare
from realtime.bench.report import (
    heading,
    lasting,
    live_model,
    live_models,
    metrics_of,
    rate_of,
    title,
)
from realtime.bench.significance import sure_change

_Run = dict[str, Any]
_Pair = tuple[Metric, Metric]

# Rounds on each side of which it is said what they tell.
_ROUNDS = (3, 5, 10)


def text(old: dict[str, Any], new: dict[str, Any]) -> str:
    """How the figures of one report differ from those of an earlier one.

    Configurations that only one of them has are named.
    """
    lines = list(_conditions(old, new))
    compared: list[_Pair] = []
    taken = []
    for run in new["runs"]:
        before = _counterpart(run, old["runs"])
        if before is None:
            lines.append(f"{heading(run)}: only in the new report")
            continue
        taken.append(id(before))
        pairs = _pairs(before, run)
        compared += pairs.values()
        lines += [heading(run), *_table(pairs), *_not_compared(before, run)]
    lines += [
        f"{heading(run)}: only in the old report" for run in old["runs"] if id(run) not in taken
    ]
    return "\n".join([*lines, *_power(compared)])


def _conditions(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What else differs, if anything does."""
    conditions = [lasting(report["machine"]) | report["plan"] for report in (old, new)]
    changed = [
        f"{what} {' → '.join(_words(condition.get(what)) for condition in conditions)}"
        for what in dict.fromkeys([*conditions[0], *conditions[1]])
        if conditions[0].get(what) != conditions[1].get(what)
    ]
    if changed:
        yield f"Not the program alone differs: {', '.join(changed)}."


def _words(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(_words, value)) if isinstance(value, list) else f"{value}"


def _counterpart(run: _Run, old: Sequence[_Run]) -> _Run | None:
    """The same configuration earlier, with as many as possible of its networks live."""
    alike = [other for other in old if title(other) == title(run)]
    rates = live_models(run)
    return max(
        alike,
        key=lambda other: sum(live_model(other, rate) == live_model(run, rate) for rate in rates),
        default=None,
    )


def _pairs(old: _Run, new: _Run) -> dict[str, _Pair]:
    """Figures that both have, of the same network, by name."""
    before = metrics_of(old)
    return {
        name: (before[name], metric)
        for name, metric in metrics_of(new).items()
        if name in before and not _another_network(old, new, rate_of(name))
    }


def _another_network(old: _Run, new: _Run, rate: str | None) -> bool:
    return rate is not None and live_model(old, rate) != live_model(new, rate)


def _not_compared(old: _Run, new: _Run) -> Iterator[str]:
    both = dict.fromkeys(map(rate_of, set(metrics_of(old)) & set(metrics_of(new))))
    others = [
        f"live {rate} fps ({live_model(old, rate)} → {live_model(new, rate)})"
        for rate in live_models(new)
        if rate in both and _another_network(old, new, rate)
    ]
    if others:
        yield f"  Not compared, of different networks: {', '.join(others)}"


def _table(pairs: dict[str, _Pair]) -> Iterator[str]:
    yield f"  {'mean of the rounds':<22}{'old':>9}{'new':>9}{'ratio':>8}{'noise':>7}"
    for name, (old, new) in pairs.items():
        change = compare(old, new)
        # Both are nothing where it is not a number.
        ratio = 1.0 if math.isnan(change.ratio) else change.ratio
        noise = f"{change.noise:.0%}" if math.isfinite(change.noise) else "-"
        yield (
            f"  {name:<22}{old.mean:9.3g}{new.mean:9.3g}{ratio:8.2f}{noise:>7}  {change.verdict}"
        )


def _power(pairs: Sequence[_Pair]) -> Iterator[str]:
    """What so many rounds can tell at all, where anything was compared."""
    if not pairs:
        return
    if any(len(metric.rounds) < 2 for pair in pairs for metric in pair):
        yield "A single round does not show its noise, so that nothing is called changed."
    scatters = [metric.scatter for pair in pairs for metric in pair if len(metric.rounds) > 1]
    # Where nothing scatters, there is nothing to say of it.
    scatter = statistics.median(scatters) if scatters else 0.0
    if scatter:
        sure = [(sure_change(scatter, rounds, DRIFT), rounds) for rounds in _ROUNDS]
        yield (
            f"Rounds scatter by {scatter:.1%} (standard deviation, of the middle figure). There, a "
            "change is mostly told from noise where it is "
            f"{', '.join(f'{size:.0%} with {rounds}' for size, rounds in sure)} rounds on each "
            "side, or more: choose --repeats."
        )
