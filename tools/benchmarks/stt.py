"""Speech to text: within the process, and beside others against the same services."""
import stt_local
import stt_services
from engine import ROOT
from measure import Failed
from result import Result

SUMMARY = "speech to text: words, delays, cuts, and what hearing costs"


def measure(workshop, options):
    if not (ROOT / ".build" / "speech" / "stamp").exists():
        raise Failed("speech is not set up: tools/setup --speech")
    services, notes = stt_services.figures(workshop, options)
    return Result("stt", [*stt_local.figures(workshop, options), *services], notes)
