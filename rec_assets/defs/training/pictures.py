"""Names for people: what a model's numbers stand for."""

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.relations import Relation
from rec_assets.core.pictures import as_markdown
from rec_assets.core.pictures.embedding_map import draw_track_map
from rec_assets.core.strategies.nearest import example_neighbours
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import escape_markdown


def example_as_markdown(store: AssetStore, lineage: Lineage, embeddings: TrackEmbeddings) -> str:
    """The most frequent track and its five nearest, as a markdown list with names."""
    examples = example_neighbours(embeddings, catalog_of(store, lineage), examples=1, depth=5)
    if not examples:
        return "The vocabulary has one track, which has no neighbours."
    lines = [f"- {escape_markdown(name)} ({cosine:.3f})" for name, cosine in examples[0].nearest]
    return f"Nearest to **{escape_markdown(examples[0].query)}** (cosine):\n\n" + "\n".join(lines)


def map_as_markdown(store: AssetStore, lineage: Lineage, embeddings: TrackEmbeddings) -> str:
    """The most frequent tracks on a plane, coloured by artist where the catalog is at hand."""
    png, caption = draw_track_map(embeddings, catalog_of(store, lineage))
    return as_markdown(png, caption) + f"\n\n{escape_markdown(caption)}"


def catalog_of(store: AssetStore, lineage: Lineage) -> Relation | None:
    """The catalog from which the model's numbers come, if it is still there.

    The model does not depend on names, so neither does its asset; a newer catalog would name other tracks.
    """
    try:
        current = store.lineage("track_catalog").data_version
    except StoreError:
        return None
    if lineage.ancestors["track_catalog"]["data_version"] != current:
        return None
    return store.read("track_catalog", Relation)
