"""A finished mail as Django's mail API takes it, and whom it is for."""

from typing import Protocol

from django.core.mail import EmailMultiAlternatives


class Addressee(Protocol):
    """What a mail needs to know of its reader."""

    email: str
    handle: str
    secret: str


class WireMessage:
    """A finished message; stands where Django's backends expect `EmailMessage.message()` to give one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:
        return self._content if linesep == "\r\n" else self._content.replace(b"\r\n", linesep.encode())


class DigestMessage(EmailMultiAlternatives):
    """A digest for Django's mail API. Providers read its attributes; SMTP takes the bytes made ahead."""

    wire: bytes = b""
    metadata: dict[str, str]

    def message(self) -> WireMessage:  # type: ignore[override]  # all that backends call is as_bytes
        return WireMessage(self.wire)
