"""A time to train in: how many iterations fit, and whether they still do.

The schedule needs to know the last iteration from the first, and a machine is not as fast in the last minute as it was
in the first. So a number is planned from the speed measured before, checked now and then, and planned anew where it
would miss the time. Plans are kept in the run's progress: what follows from a plan does not depend on the clock.
"""

from bisect import bisect_right
from collections.abc import Callable

LOOKS = 20
"""How often in all a plan is checked."""
TOLERANCE = 0.02
"""The share of the whole time by which a plan may miss it before a new one is made."""
_MOST = 10**12


class Budget:
    """``forecast(done, last)`` says how many seconds the iterations after ``done`` take, at the speed measured before,
    if ``last`` is the last of all."""

    def __init__(self, seconds: float, forecast: Callable[[int, int], float], done: int, spent: float) -> None:
        self._seconds = seconds
        self._forecast = forecast
        self._pace = 1.0
        """Seconds that pass for one that was forecast."""
        self._looked = done, spent

    def plan(self, done: int, spent: float) -> int:
        """How many iterations in all end in time; at least one more than ``done``."""
        left = (self._seconds - spent) / self._pace
        fit = bisect_right(range(done + 1, _MOST), left, key=lambda last: self._forecast(done, last))
        return done + max(1, fit)

    def look(self, done: int, spent: float, planned: int) -> int:
        """The plan to go on with: ``planned``, unless it is time to check it and it would miss the time."""
        before, then = self._looked
        if spent - then < self._seconds / LOOKS or done == planned:
            return planned
        forecast = self._forecast(before, planned) - self._forecast(done, planned)
        self._pace = (self._pace + (spent - then) / forecast) / 2
        self._looked = done, spent
        end = spent + self._pace * self._forecast(done, planned)
        return self.plan(done, spent) if abs(end - self._seconds) > TOLERANCE * self._seconds else planned
