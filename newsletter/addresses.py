"""What an e-mail address is here: checked once at the door, compared by its key ever after."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254
# Reserved for names within a network (ICANN, 2024). email-validator knows the others: localhost, local, …
INNER = ".internal"


class AddressError(ValueError):
    """The text is not one address we could mail; the message is a sentence for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Address:
    email: str  # as it is mailed
    key: str  # as it is compared: case-folded, domain in its ASCII form


def parse_address(raw: str) -> Address:
    """Return the address in `raw`, or raise AddressError. Asks no name server."""
    text = raw.strip(" \t")
    if len(text) > MAX_LENGTH:
        raise AddressError(f"An address has at most {MAX_LENGTH} characters.")
    try:
        checked = validate_email(
            text, check_deliverability=False, allow_display_name=False, allow_smtputf8=False
        )
    except EmailNotValidError as error:
        raise AddressError(str(error)) from error
    domain = checked.ascii_domain.lower()
    if domain.endswith(INNER):
        raise AddressError("The domain is a name within a network, where no mail of ours arrives.")
    return Address(email=f"{checked.local_part}@{domain}", key=f"{checked.local_part.casefold()}@{domain}")
