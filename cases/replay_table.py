"""A replay's sums as people read them: rows of words and numbers, for the page and for the terminal. Pure."""

from django.utils.translation import gettext, gettext_lazy

from workflows.patterns import TIERS

WAYS = {
    "straight": gettext_lazy("straight through"),
    "sampled": gettext_lazy("released, then looked at"),
    "sampled_held": gettext_lazy("held for a sampled look"),
    "review": "review",
    "resolution": "resolution",
    "approval": "approval",
}


def volumes(result) -> list[tuple]:
    """Per tier and way: the words, then how many it was and how many it would be; only what there is."""
    was, now = ({(tier, way): n for tier, way, n in result[side]["ways"]} for side in ("was", "now"))
    cells = [(tier, way) for tier in TIERS for way in WAYS if (tier, way) in was or (tier, way) in now]
    return [(f"{tier.capitalize()} risk", WAYS[way], was.get((tier, way), 0), now.get((tier, way), 0)) for tier, way in cells]


def sums(result) -> list[tuple]:
    """What a manager asks first: the words, then as it was and as it would be."""
    was, now = result["was"], result["now"]
    rows = [
        (gettext("Straight through"), _ways(was, "straight"), _ways(now, "straight")),
        (gettext("Drawn for a sampled look"), _ways(was, "sampled", "sampled_held"), _ways(now, "sampled", "sampled_held")),
        (gettext("Held for a person"), _ways(was, *_HELD), _ways(now, *_HELD)),
        (gettext("Need an approval"), was["approvals"], now["approvals"]),
        (gettext("Approvals to give"), was["looks"].get("approval", 0), now["looks"].get("approval", 0)),
        (gettext("People's time"), hours(was["minutes"]), hours(now["minutes"])),
    ]
    return rows


_HELD = ("review", "resolution", "approval")


def _ways(side, *ways) -> int:
    return sum(n for _, way, n in side["ways"] if way in ways)


def hours(minutes) -> str:
    if minutes is None:
        return gettext("not known")
    return f"{minutes / 60:,.1f} hours" if minutes >= 60 else f"{minutes:,.0f} minutes"


def truth(result) -> list[str]:
    """What is known of right and wrong, as sentences."""
    wrong, right = result["wrong"], result["right"]
    if not wrong and not right:
        return [gettext("Nobody has decided any of these cases yet, so nothing is known of what would escape.")]
    was, now = result["was"]["escapes"], result["now"]["escapes"]
    return [
        gettext("Of {cases} that people changed or refused, {now:,} would go straight through ({was:,} did).").format(
            cases=_cases(wrong), now=now, was=was
        ),
        gettext("Of {cases} that people let stand, {result:,} would need no look any more.").format(
            cases=_cases(right), result=result["looks_saved"]
        ),
        gettext("{capitalize} that went straight through would be looked at.").format(
            capitalize=_cases(result["looks_added"]).capitalize()
        ),
    ]


def time_from(result) -> list[str]:
    """Where the minutes of a look are from."""
    said = [f"{desk}: {each['minutes']:.1f} minutes ({each['from']})" for desk, each in result["minutes"].items()]
    return said or [gettext("No decision says how long it took, and the charter does not say what a case took by hand.")]


def moves(result) -> list[tuple[str, str, str, int]]:
    return [(way(*each[0:2]), way(*each[2:4]), each[4], each[5]) for each in result["moves"]]


def way(tier, name) -> str:
    return f"{WAYS[name].capitalize()}, {tier} risk"


def counted(result, name) -> list[tuple[str, int, int]]:
    """What decided, or which triggers fired: was and now, the most of now first."""
    was, now = dict(result["was"][name]), dict(result["now"][name])
    return sorted(
        ((each, was.get(each, 0), now.get(each, 0)) for each in {*was, *now}), key=lambda row: (-row[2], -row[1], row[0])
    )


def silent(result, rules) -> list[str]:
    """The triggers of those rules that fired at none of the cases: a replay proves nothing of them."""
    fired = dict(result["now"]["triggers"])
    return [each["name"] for each in rules.get("triggers", []) if each["name"] not in fired]


def difference(was, now) -> str:
    """“+12”, “−3”, “±0”."""
    gap = now - was
    return f"{'+' if gap > 0 else '−' if gap < 0 else '±'}{abs(gap):,}"


def plain(result) -> str:
    """All of it for a terminal."""
    lines = [
        gettext("{cases} replayed, {result:,} would take another way.").format(
            cases=_cases(result["counted"]), result=result["changed"]
        ),
        "",
    ]
    lines += _columns([("", gettext("as it was"), gettext("under it")), *sums(result)])
    lines += ["", *_columns([("", "", gettext("as it was"), gettext("under it")), *volumes(result)])]
    if result["moves"]:
        lines += ["", *_columns([("from", "to", gettext("because of"), "cases"), *moves(result)])]
    lines += [
        "",
        *_columns([(gettext("what decided"), gettext("as it was"), gettext("under it")), *counted(result, "reasons")]),
    ]
    lines += [
        "",
        *truth(result),
        *(gettext("A look at {line}.").format(line=line) for line in time_from(result) if ":" in line),
    ]
    return "\n".join(lines) + "\n"


def _columns(rows) -> list[str]:
    cells = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    numbers = [any(isinstance(row[place], int) for row in rows) for place in range(len(widths))]
    laid = [
        [cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(row, widths, numbers, strict=True)]
        for row in cells
    ]
    return ["  ".join(row).rstrip() for row in laid]


def _cases(number) -> str:
    return f"{number:,} {'case' if number == 1 else 'cases'}"
