"""How often long work says where it stands, and how it says what is left."""

REPORT_SECONDS = 5.0


def time_left(seconds: float) -> str:
    """Such as "about 40 s left", from 90 s on in minutes, from 90 minutes on in hours."""
    unit, name = (1, "s") if seconds < 90 else (60, "min") if seconds < 5_400 else (3_600, "h")
    return f"about {seconds / unit:.0f} {name} left"
