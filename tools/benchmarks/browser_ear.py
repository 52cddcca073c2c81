"""Rows of browser_page.js's `listen`: [ms since 1970, place in samples, level, zero crossings] of 128 samples."""
import bisect
import statistics

from measure import Failed

#: ms in which a level stays low before it counts as silence.
STAYS = 60


def full_level(rows):
    levels = sorted(row[2] for row in rows)
    return levels[len(levels) * 95 // 100]


def falls(rows, calls):
    """ms from each call until the level is below a tenth, and stays there; None where it was not loud before."""
    times, low = [row[0] for row in rows], full_level(rows) / 10
    found = []
    for call in calls:
        at = bisect.bisect_left(times, call)
        before = rows[max(0, at - 20):at]
        if not before or statistics.median(row[2] for row in before) < 5 * low:
            found.append(None)
            continue
        since = None
        for row in rows[at:]:
            if row[2] >= low:
                since = None
            elif since is None:
                since = row[0]
            elif row[0] - since > STAYS:
                break
        if since is None:
            raise Failed("the level never fell")
        found.append(since - call)
    if sum(ms is None for ms in found) > len(calls) / 20:
        raise Failed(f"of {len(calls)} interruptions {found.count(None)} came when nothing was loud")
    return found


def leftovers(rows, calls, tones):
    """Blocks with the tone of an interrupted turn behind its silence, until the same tone is due again."""
    low, ends = full_level(rows) / 10, [call + (ms or 0) for call, ms in zip(calls, falls(rows, calls))]
    expected = [2 * tone * 128 / 48000 for tone in tones]
    middle = sum(expected) / 2
    count = 0
    for turn, end in enumerate(ends[:-1]):
        if end == calls[turn]:
            continue
        is_low_tone = tones[turn % 2] == min(tones)
        for row, next_row in zip(rows, rows[1:]):
            if not end < row[0] < calls[turn + 1]:
                continue
            # A block that is only begun has few crossings: two in a row count.
            is_old = [one[2] >= low and (one[3] < middle) == is_low_tone for one in (row, next_row)]
            count += all(is_old)
    return count
