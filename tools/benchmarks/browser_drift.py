"""How far flash and chirp of `calibration` move apart in a page."""
import statistics

from measure import Failed, slope

#: The chirp is five times as loud as the tone of the test pattern: of 16 bits.
LOUD = 12_000


#: Rows on either side of one whose sample is timed: about half a second.
NEAR = 100


def chirps(heard):
    """ms since 1970 at which chirps begin."""
    # Rows of one callback have one time, some come late, and a busy machine leaves out some of the sound: so each sample is
    # timed by the rows around it, and not by one line through all of them.
    begins = [row[0] - row[1] / 48 for row in heard]
    found, last = [], -1e12
    for index, (_, place, peak, _) in enumerate(heard):
        if peak < LOUD:
            continue
        moment = place / 48 + statistics.median(begins[max(0, index - NEAR):index + NEAR])
        if moment - last > 300:
            found.append(moment)
        last = moment
    return found


def drift_per_minute(flashes, heard):
    """ms by which the flash moves away from its chirp in a minute."""
    sounds, times, offsets = chirps(heard), [], []
    for flash in flashes:
        near = min(sounds, key=lambda sound: abs(sound - flash), default=None)
        if near is not None and abs(near - flash) < 450:
            times.append(flash)
            offsets.append(near - flash)
    if len(times) < 5:
        raise Failed(f"{len(flashes)} flashes and {len(sounds)} chirps: {len(times)} pairs are too few")
    return slope(times, offsets) * 60_000
