"""A network with its parameters and its vocabulary: what is trained, saved, sampled and scored."""

from dataclasses import dataclass

import numpy as np

from charrnn import seeds
from charrnn.arrays import Ids
from charrnn.errors import CorpusError
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.settings.build import build_network
from charrnn.settings.schema import Settings
from charrnn.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Model:
    """A network with its parameters and the vocabulary that its ids belong to."""

    network: Network
    parameters: Parameters
    vocabulary: Vocabulary

    @property
    def start(self) -> Ids:
        """What the network reads before the first character of a text, ids (1,): the mark that ends an item, where it
        writes items, else a line end, or where the vocabulary has none its first character."""
        if self.network.mark is not None:
            return np.array([self.network.mark], self.vocabulary.dtype)
        return self.vocabulary.encode(self.vocabulary.start_character)

    @property
    def mark(self) -> str | None:
        """The character that ends an item; None where all is one text."""
        return None if self.network.mark is None else self.vocabulary.characters[self.network.mark]

    @classmethod
    def new(cls, settings: Settings, vocabulary: Vocabulary) -> "Model":
        """An untrained model, drawn from the seed of its settings."""
        network = build_network(settings, vocabulary)
        m = settings.model
        rng = seeds.generator(settings.training.seed, "initialisation")
        return cls(network, network.parameters(rng, m.initialisation, m.scale, m.forget_bias), vocabulary)

    def extended(self, settings: Settings, vocabulary: Vocabulary) -> "Model":
        """A copy that knows more characters: all of ``vocabulary``, which has to hold those of this model.

        Known characters keep their rows and columns, whatever their ids become. For new characters, input rows and head
        columns are drawn as in a new model, from the seed of the settings, and head biases are the lowest of this
        model, so that they are taken to be as rare as its rarest character. Everything else is copied.
        Raises CorpusError if the vocabulary lacks characters of this model.
        """
        missing = set(self.vocabulary.characters) - set(vocabulary.characters)
        if missing:
            raise CorpusError(
                f"the corpus lacks {len(missing)} of the characters that the network knows",
                "give those of the network to load_corpus, which keeps them",
            )
        model = Model.new(settings, vocabulary)
        place = {character: v for v, character in enumerate(vocabulary.characters)}
        ids = [place[character] for character in self.vocabulary.characters]
        model.parameters["head.b"][:] = self.parameters["head.b"].min()
        for name, own in self.parameters.items():
            array = model.parameters[name]
            if name in model.network.lookup_parameters:  # (V, ...)
                array[ids] = own
            elif name.startswith("head."):  # (..., V)
                array[..., ids] = own
            else:
                array[:] = own
        return model
