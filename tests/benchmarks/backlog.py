"""Whether a long backlog goes as fast as a short one, and how well a far side is used that takes its time."""

from __future__ import annotations

from benchmarks.drain import CONCURRENCY, POSTBELL, take_turns
from benchmarks.measuring import Figure, Options, median


_LATENCY = 0.1


def run(options: Options) -> list[Figure]:
    """Measure both."""
    rounds = options.pick(3, 1)
    short, long = options.pick(1000, 500), options.pick(20_000, 3000)
    by_length: dict[int, list[float]] = {short: [], long: []}
    for _ in range(rounds):
        for count, rates in by_length.items():
            rates.extend(take_turns(options, [POSTBELL], count=count, rounds=1)[POSTBELL.name].rates)
    by_name = take_turns(options, [POSTBELL], count=options.pick(2500, 1000), rounds=rounds, delay=_LATENCY)
    slow = by_name[POSTBELL.name]
    return [
        Figure(
            name="drain_long",
            told=f"posts a second with {long:,} due against {short:,} due",
            value=median(by_length[long]) / median(by_length[short]),
            gate=0.9,
            runs={f"{count} due": rates for count, rates in by_length.items()},
        ),
        Figure(
            name="slow_sink",
            told=f"posts a second with {CONCURRENCY} under way and answers after 100 ms, "
            f"against {CONCURRENCY / _LATENCY:.0f}/s",
            value=median(slow.rates) / (CONCURRENCY / _LATENCY),
            gate=0.85,
            stretch=0.95,
            runs={POSTBELL.name: slow.rates},
        ),
    ]
