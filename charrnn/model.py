"""A network with its numbers and its characters: what is trained, saved, sampled and scored."""

from dataclasses import dataclass

from charrnn import seeds
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

    @classmethod
    def new(cls, settings: Settings, vocabulary: Vocabulary) -> "Model":
        """An untrained model, drawn from the seed of its settings."""
        network = build_network(settings, len(vocabulary))
        m = settings.model
        rng = seeds.generator(settings.training.seed, "initialisation")
        return cls(network, network.parameters(rng, m.initialisation, m.scale, m.forget_bias), vocabulary)

    def extended(self, settings: Settings, vocabulary: Vocabulary) -> "Model":
        """A copy that knows more characters: those of ``vocabulary``, which holds its own.

        What belongs to a character it knows stays with that character, whatever its id becomes. The input rows and
        head columns of new ones are drawn as in a new model, from the seed of the settings; their head biases are the
        lowest it has, so that it takes them to be as rare as its rarest. All else is taken as it is.
        Raises CorpusError where the vocabulary lacks characters of its own.
        """
        missing = set(self.vocabulary.characters) - set(vocabulary.characters)
        if missing:
            raise CorpusError(
                f"the corpus lacks {len(missing)} of the characters that the network knows; load it with characters="
            )
        model = Model.new(settings, vocabulary)
        ids = vocabulary.encode(self.vocabulary.characters)
        model.parameters["head.b"][:] = self.parameters["head.b"].min()
        for name, own in self.parameters.items():
            array = model.parameters[name]
            if name == model.network.lookup_parameter:  # (V, ...)
                array[ids] = own
            elif name.startswith("head."):  # (..., V)
                array[..., ids] = own
            else:
                array[:] = own
        return model
