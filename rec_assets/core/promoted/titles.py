"""What a promoted model knows of the title of a playlist."""

from rec_assets.core.promoted.model import PromotedModel


def known_title_words(model: PromotedModel, title: str) -> list[str]:
    """The words of ``title``, in its order and as they are compared, of which ``model`` knows what they stand for."""
    return []
