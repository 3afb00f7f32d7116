"""A chain of approvals as a case keeps it: [{"name", "people", "title"}…], and which step is next. Pure.

The database counts the same in `the_approval_takes_its_step()`: it has the last word.
"""

from dataclasses import dataclass

from workflows.patterns import Chain


@dataclass(frozen=True, slots=True)
class Given:
    """One approval over exactly what stands: its step, who gave it, and for whom where he was a delegate."""

    step: int
    by: int
    holder: int | None = None

    @property
    def people(self) -> set[int]:
        """A person and his delegate acting for him are one."""
        return {self.by, self.holder} - {None}


def as_steps(chain: Chain | None) -> list[dict]:
    return [{"name": step.name, "people": step.people, "title": step.title} for step in chain.steps] if chain else []


def approvals(steps: list[dict]) -> int:
    return sum(step["people"] for step in steps)


def next_step(steps: list[dict], given: list[Given]) -> int | None:
    """The first step that is not filled yet; None where all are."""
    for number, step in enumerate(steps):
        if sum(each.step == number for each in given) < step["people"]:
            return number
    return None


def is_complete_with_one_more(steps: list[dict], given: list[Given]) -> bool:
    return len(given) + 1 >= approvals(steps)


def progress(steps: list[dict], given: list[Given]) -> list[tuple[dict, int]]:
    """Each step with how many approvals it has."""
    return [(step, sum(each.step == number for each in given)) for number, step in enumerate(steps)]
