"""Raw video and audio for the encoders: the same bytes on every machine."""
import array
import math
import random

WIDTH, HEIGHT, RATE = 1280, 720, 30
LARGE = 1920, 1080
SAMPLE_RATE, CHANNELS = 48000, 2


def plane(width, height, middle, swing, seed):
    """A wavy surface with a little noise on it, twice as wide and high as what is cut out of it."""
    noise = random.Random(seed)
    across = [math.sin(x / 37) + math.sin(x / 11) / 2 for x in range(width)]
    down = [math.sin(y / 23) + math.sin(y / 7) / 2 for y in range(height)]
    rows = []
    for y in range(height):
        grain = noise.randbytes(width)
        rows.append(bytes(int(middle + swing * (across[x] + down[y]) + (grain[x] & 3)) for x in range(width)))
    return rows


def pictures(path, count, width=WIDTH, height=HEIGHT):
    """i420 without padding: a surface that drifts 2 pixels to the right and 1 down in each picture."""
    margin = 256
    planes = [
        plane(width + 2 * margin, height + margin, 120, 25, 1), plane(width // 2 + margin, height // 2 + margin, 128, 15, 2),
        plane(width // 2 + margin, height // 2 + margin, 128, 15, 3)]
    with open(path, "wb") as file:
        for index in range(count):
            step = index % margin
            file.write(b"".join(row[2 * step:2 * step + width] for row in planes[0][step:step + height]))
            for chroma in planes[1:]:
                half = step // 2
                file.write(b"".join(row[step:step + width // 2] for row in chroma[half:half + height // 2]))
    return path


def audio(path, seconds):
    """s16 stereo: two chords that swell and fade, and noise."""
    noise = random.Random(4)
    samples = array.array("h")
    for index in range(SAMPLE_RATE * 4):
        time = index / SAMPLE_RATE
        level = 6000 * (1 + math.sin(time * math.pi / 2))
        for tones in ((220, 277, 330), (196, 247, 294)):
            value = sum(math.sin(2 * math.pi * tone * time) for tone in tones)
            samples.append(int(level * value / 3 + noise.uniform(-500, 500)))
    block = samples.tobytes()
    wanted = int(seconds * SAMPLE_RATE) * CHANNELS * 2
    with open(path, "wb") as file:
        while wanted > 0:
            wanted -= file.write(block[:wanted])
    return path


def beginning(path, size, target):
    """The first `size` bytes of `path` as a file of their own."""
    with open(path, "rb") as whole, open(target, "wb") as part:
        part.write(whole.read(size))
    return target
