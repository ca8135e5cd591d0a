"""Names from data, as a terminal may show them."""


def printable(text: str) -> str:
    """``text`` on one line, with \ufffd in place of control characters, which could steer the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
