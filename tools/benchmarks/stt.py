"""Speech to text: within the process, and beside others against the same services."""
import stt_calls
import stt_local
import stt_services
from engine import ROOT
from measure import Failed
from result import Result

# Each gives figures and notes.
PARTS = {
    "local": lambda workshop, options: (stt_local.figures(workshop, options), []),
    **stt_services.PARTS,
    "calls": lambda workshop, options: (stt_calls.figures(workshop, options), []),
}
SUMMARY = "speech to text: words, delays, cuts, and what hearing costs"


def measure(workshop, options):
    if not (ROOT / ".build" / "speech" / "stamp").exists():
        raise Failed("speech is not set up: tools/setup --speech")
    figures, notes = [], []
    for part in [options.part] if options.part else PARTS:
        more, said = PARTS[part](workshop, options)
        figures += more
        notes += [note for note in said if note not in notes]
    return Result("stt", figures, notes)
