"""The case and everything that happens to it. Callers never change state: `actions/` does, through `gate.py`."""

from cases.models.case import Case
from cases.models.clocks import Forecast, Pause, Stuck
from cases.models.oversight import Alert, BreakGlassReview
from cases.models.replays import Replay
from cases.models.reveals import Reveal
from cases.models.story import Claim, Correction, Decision, Release, Rework

__all__ = [
    "Alert",
    "BreakGlassReview",
    "Case",
    "Claim",
    "Correction",
    "Decision",
    "Forecast",
    "Pause",
    "Release",
    "Replay",
    "Reveal",
    "Rework",
    "Stuck",
]
