"""The one table, and what stands under it."""

HEADS = ["job", "side", "CPU ms", "per second", "p50 ms", "p99 ms", "ratio", "target", "met?", "to scale"]
LEFT = {0, 1, 7, 8, 9}
NOTES = """
CPU ms is per operation and of the server's workers alone (user + system, /proc/<pid>/stat): no client, no PostgreSQL.
Of the floor it is the client's (psycopg), with the rows decided beforehand; of a command, that of its process.
Medians of the rounds, which take turns; p50 and p99 over all requests of a side. ratio is ours against plain.
to scale: the target was set where plain, or the floor, took what `bench/` says of it; held against what that took in this run.
"""


def shown(rows: list[dict]) -> str:
    lines = [HEADS, *(line for row in rows for line in lines_of(row))]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEADS))]
    table = ["  ".join(laid(cell, place, widths) for place, cell in enumerate(line)).rstrip() for line in lines]
    table.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join([*table, "", *(remark(row) for row in rows), NOTES])


def lines_of(row):
    for side in ("ours", "plain", "floor"):
        if side in row:
            ours, cells = side == "ours", row[side]
            figures = [number(cells["cpu_ms"]), number(cells["per_second"]), number(cells["p50_ms"]), number(cells["p99_ms"])]
            judged = [f"{row['ratio']:.1f}×" if row["ratio"] else "–", row["target"], yes(row["met"]), to_scale(row)]
            yield [row["job"] if ours else "", side, *figures, *(judged if ours else [""] * 4)]


def yes(met: bool) -> str:
    return "yes" if met else "NO"


def to_scale(row) -> str:
    if "scaled_target" not in row:
        return "–"
    return f"{yes(row['met_to_scale'])}: {number(row['scaled_target'])} by {row['scaled_by']}"


def number(value) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def laid(cell, place, widths):
    return cell.ljust(widths[place]) if place in LEFT else cell.rjust(widths[place])


def remark(row) -> str:
    facts = [f"{name.replace('_', ' ')} {number(row['ours'][name])}" for name in FACTS if name in row["ours"]]
    return f"{row['job']}: {row['note']}" + (f" ({', '.join(facts)})" if facts else "")


FACTS = ("doubles", "rss_short_mb", "rss_long_mb", "rss_mb", "events")
