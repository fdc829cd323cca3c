"""What a fleet's run is measured by: waits beside those of the ideal queue, and how fair they were."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One agent that got a slot. Times in seconds."""

    arrived: float
    opened: float
    """When its task was opened."""
    length: float
    """How long its scan took."""

    @property
    def wait(self) -> float:
        """From the arrival to the open task."""
        return self.opened - self.arrived


def ideal(turns: Sequence[Turn], slots: int) -> list[Turn]:
    """The same agents, first come first served by slots that are never idle while somebody waits; by arrival.

    The first to be served has the length of the task that was opened first, and so on: the two queues work the same.
    """
    lengths = [turn.length for turn in sorted(turns, key=lambda turn: turn.opened)]
    free = [0.0] * slots
    served = []
    for arrived, length in zip(sorted(turn.arrived for turn in turns), lengths, strict=True):
        opened = max(arrived, heapq.heappop(free))
        heapq.heappush(free, opened + length)
        served.append(Turn(arrived, opened, length))
    return served


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed; 0 of nothing."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def jain(values: Sequence[float]) -> float:
    """Jain's index: 1 when all are equal, 1/n when one has everything."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def overtaken(turns: Sequence[Turn]) -> float:
    """The share of all pairs in which the later comer was served first: 0 is a queue, 0.5 a lottery."""
    order = [turn.opened for turn in sorted(turns, key=lambda turn: turn.arrived)]
    pairs = len(order) * (len(order) - 1) / 2
    return _inversions(order)[0] / pairs if pairs else 0.0


def _inversions(values: list[float]) -> tuple[int, list[float]]:
    if len(values) <= 1:
        return 0, values
    middle = len(values) // 2
    (before, left), (after, right) = _inversions(values[:middle]), _inversions(values[middle:])
    count, merged, place = before + after, [], 0
    for value in right:
        while place < len(left) and left[place] <= value:
            merged.append(left[place])
            place += 1
        count += len(left) - place
        merged.append(value)
    return count, merged + left[place:]
