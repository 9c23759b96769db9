"""As many prompts from every cluster: K-Means on TF-IDF, one of each cluster in turn, drawn by seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from pydantic import Field

from engine.flywheel.selection.strategies.draws import draw
from engine.flywheel.selection.strategy import Offer
from engine.plugin_options import PluginOptions


class ClusterOptions(PluginOptions):
    """How prompts are clustered."""

    n_clusters: int = Field(default=100, ge=1, le=10_000, description="Clusters; never more than prompts.")
    n_features: int = Field(default=1024, ge=1, le=100_000, description="Words that tell prompts apart.")


class Cluster:
    """Prompts spread over what there is, whoever won."""

    Options = ClusterOptions
    by_gap = False
    reads_prompts = True

    @staticmethod
    def order(offers: Sequence[Offer], options: ClusterOptions, random_state: int) -> Sequence[int]:
        from engine.flywheel.selection.strategies.k_means import k_means
        from engine.flywheel.selection.strategies.tf_idf import tf_idf

        places = sorted(range(len(offers)), key=lambda place: offers[place].key)
        if not places:
            return []
        vectors = tf_idf([offers[place].text for place in places], options.n_features)
        clusters: dict[int, list[int]] = {}
        for place, label in zip(places, k_means(vectors, options.n_clusters, random_state), strict=True):
            clusters.setdefault(int(label), []).append(place)
        for some in clusters.values():
            some.sort(key=lambda place: draw(random_state, offers[place].key))
        turns = zip_longest(*(clusters[label] for label in sorted(clusters)))
        return [place for turn in turns for place in turn if place is not None]
