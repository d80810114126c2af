"""A network with its numbers and its characters: what is trained, saved, sampled and scored."""

from dataclasses import dataclass

from charrnn import seeds
from charrnn.config import Settings
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Model:
    """``parameters`` are those of ``network``, whose ids are those of ``vocabulary``."""

    network: Network
    parameters: Parameters
    vocabulary: Vocabulary

    @classmethod
    def new(cls, settings: Settings, vocabulary: Vocabulary) -> "Model":
        """An untrained model, drawn from the seed of its settings."""
        network = network_of(settings, vocabulary)
        m = settings.model
        rng = seeds.generator(settings.training.seed, "initialisation")
        return cls(network, network.parameters(rng, m.initialisation, m.scale, m.forget_bias), vocabulary)


def network_of(settings: Settings, vocabulary: Vocabulary) -> Network:
    """The architecture that settings describe."""
    m = settings.model
    return Network(
        len(vocabulary),
        cell=m.cell,
        layers=m.layers,
        hidden_size=m.hidden,
        embedding_size=m.embedding,
        dtype=settings.compute.precision,
    )
