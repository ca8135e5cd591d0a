"""The promoted model over HTTP; needs the extra ``serve``."""
