"""Real speech with its words: an address in the repository, and a book read aloud that PyPI holds.

The book is "Sense and Sensibility", five parts of LibriVox's first recording of it (public domain), in the source of
pocketsphinx under test/data/librivox. Its version and its hash are fixed.
"""
import array
import hashlib
import re
import subprocess
import sys
import tarfile
import wave

from engine import ROOT
from measure import Failed

RATE = 16_000
SOURCE = "pocketsphinx-5.1.1.tar.gz"
HASH = "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355"
JFK = ROOT / "Tests" / "Fixtures" / "Speech" / "jfk.wav"
JFK_WORDS = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country")


def read(file):
    with wave.open(file) as sound:
        if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (RATE, 1, 2):
            raise Failed(f"{file}: not 16 kHz mono of 16 bits")
        return array.array("h", sound.readframes(sound.getnframes()))


def write(path, samples):
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return path


def clips():
    """(samples, text) of each, the address first."""
    found = [(read(str(JFK)), JFK_WORDS)]
    with tarfile.open(fetched()) as source:
        names = sorted(name for name in source.getnames() if re.search(r"/librivox/sense\S+\.wav$", name))
        for name in names:
            text = source.extractfile(name.replace(".wav", ".txt")).read().decode()
            found.append((read(source.extractfile(name)), text))
    return found


def fetched():
    path = ROOT / ".build" / "peers" / SOURCE
    if not (path.exists() and digest(path) == HASH):
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary",
             "pocketsphinx", "--dest", path.parent, "pocketsphinx==5.1.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not path.exists() or digest(path) != HASH:
        raise Failed(f"PyPI did not give {SOURCE} (34 MB) with the hash that is known: the read clips are not there")
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def silence(seconds):
    return array.array("h", bytes(2 * int(seconds * RATE)))


def joined(parts, pause):
    """All of them with `pause` seconds of silence before, between and behind; the samples and the text."""
    samples, words = silence(pause), []
    for one, text in parts:
        samples += one + silence(pause)
        words.append(text)
    return samples, " ".join(words)


def bare(text):
    """Its words in small letters, without marks; short forms of the clips' words count as the words."""
    words = re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("’", "'")).split()
    return ["mister" if word == "mr" else word for word in words]


def wrong(heard, wanted):
    """Words that are wrong, left out or too many, by the least number of changes, in percent of those wanted."""
    heard, wanted = bare(heard), bare(wanted)
    row = list(range(len(wanted) + 1))
    for index, word in enumerate(heard):
        following = [index + 1]
        for place, other in enumerate(wanted):
            following.append(min(row[place] + (word != other), row[place + 1] + 1, following[place] + 1))
        row = following
    return 100 * row[-1] / len(wanted)
