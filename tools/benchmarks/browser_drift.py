"""How far flash and chirp of `calibration` move apart in a page."""
import statistics

from measure import Failed, slope

#: The chirp is five times as loud as the tone of the test pattern: of 16 bits.
LOUD = 12_000


def chirps(heard):
    """ms since 1970 at which chirps begin, in the time of the audio's own clock."""
    # Rows of one callback have one time: a line through all of them tells when each sample was there.
    places, times = [row[1] for row in heard], [row[0] for row in heard]
    step = slope(places, times)
    middle, at = statistics.fmean(places), statistics.fmean(times)
    found, last = [], -1e12
    for _, place, peak, _ in heard:
        if peak < LOUD:
            continue
        moment = at + (place - middle) * step
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
