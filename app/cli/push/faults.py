"""What ends a push, or keeps one file of it back; each a sentence."""


class PushError(Exception):
    """What a person can mend."""


class Refused(PushError):
    """The server will say the same tomorrow."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"The server answered {status}: {detail}" if status else detail)
        self.status = status


class Lost(PushError):
    """The server was waited for long enough, or cannot be asked from here; later it may be there."""


class Held(PushError):
    """Another push is at it."""
