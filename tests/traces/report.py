"""Traces matched, by scenario and variant: `python tests/traces/report.py`.

A trace that came out differently when it was recorded again (`order_deterministic: false`) is one valid run: it has to
match up to the order of what happens to a pod at one instant. These are reported apart.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict

from replay import SETS, deterministic, load, mismatch, names, replay, variants


def main() -> None:
    table: defaultdict[str, dict[str, str]] = defaultdict(dict)
    counts: Counter[tuple[str, str, bool, bool]] = Counter()
    for name in names():
        trace = load(name)
        for variant in variants(trace):
            certain = deterministic(trace, variant)
            events = replay(trace, variant)
            strict = mismatch(trace, variant, events, strict=True) is None
            ok = mismatch(trace, variant, events, strict=certain) is None
            table[name][variant] = ("yes" if ok else "NO") if certain else ("one run: " + ("yes" if ok else "NO"))
            kind = next(each for each in SETS if variant.startswith(each))
            counts[kind, "certain" if certain else "one run", ok, strict] += 1
    columns = sorted({variant for own in table.values() for variant in own})
    _write(f"| scenario | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, own in table.items():
        _write(f"| {name} | {' | '.join(own.get(variant, '') for variant in columns)} |")
    _write("\n| variants | order is certain | one valid run each (matched to the letter too) |\n|---|---:|---:|")
    for kind in SETS:
        cells = []
        for certain in ("certain", "one run"):
            own = {key: count for key, count in counts.items() if key[:2] == (kind, certain)}
            passed, strict = (sum(n for key, n in own.items() if key[place]) for place in (2, 3))
            cells.append(f"{passed} of {sum(own.values())}" + (f" ({strict})" if certain == "one run" else ""))
        _write(f"| {kind}* | {cells[0]} | {cells[1]} |")


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
