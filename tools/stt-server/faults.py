"""Faults of the emulators: given by --fault NAME or NAME=VALUE, or while they run by GET /control?NAME=VALUE."""

# Of connections that are open now.
AT_ONCE = {
    "rst": "ends every connection with a RST",
    "close": "closes every connection with the code that is given, 1011 without one",
    "half-open": "leaves every connection open, reads no more and says no more",
    "garbage": "sends bytes of no form, half a reply and a reply that never ends",
}
# Of what follows, until they are set to 0.
LASTING = {
    "401": "refuses so many handshakes with 401",
    "429": "refuses so many handshakes with 429 and Retry-After: 1",
    "500": "refuses so many handshakes with 500",
    "silent": "accepts, and says nothing",
    "slow": "holds each reply back for so many ms",
    "twice": "sends each final twice",
    "zero": "counts times from zero in each utterance",
    "backwards": "lets the times of every other result run back by 5 s",
    "order": "sends finals in pairs, the second one first",
    "close-at-final": "closes behind each final",
    "expire": "gives tokens that expire after so many s",
    "huge": "announces a reply of 1 GB, and sends it",
    "error": "says so many times that it failed, instead of a result",
}


class Faults:
    """The lasting ones by their names; those of now are done to `sockets`."""

    def __init__(self, given=()):
        self.values = {}
        self.sockets = set()
        for text in given:
            name, _, value = text.partition("=")
            self.set(name, value)

    def set(self, name, value=""):
        if name in LASTING:
            self.values[name] = int(value) if value else 1
        elif name in AT_ONCE:
            for socket in list(self.sockets):
                self.strike(socket, name, value)
        else:
            raise ValueError(f"there is no fault {name}; there are {', '.join([*AT_ONCE, *LASTING])}")

    def get(self, name):
        return self.values.get(name, 0)

    def take(self, name):
        """One of a number of them."""
        count = self.get(name)
        if count:
            self.values[name] = count - 1
        return count > 0

    @staticmethod
    def strike(socket, name, value):
        if name == "rst":
            socket.reset()
        elif name == "close":
            socket.close(int(value or 1011))
        elif name == "half-open":
            socket.is_frozen = True
        elif name == "garbage":
            socket.frame(2, bytes(range(256)))
            socket.send('{"seq":1,"start_at":0,"dur')
            socket.send("[" * 5000)
