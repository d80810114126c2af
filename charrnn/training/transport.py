"""Which engine trains a network: one of this machine's processes, or one of the ranks of an MPI job."""

from charrnn.machine import available_cores
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.settings.schema import Settings
from charrnn.training.engine import Engine
from charrnn.training.ranks import RankEngine, ranks

AnyEngine = Engine | RankEngine


def engine_for(settings: Settings, network: Network, p: Parameters) -> AnyEngine:
    """An engine as the settings and the launcher ask for. Raises CharRNNError where the network is to be compiled and
    cannot be."""
    network = network.compiled() if settings.compute.compiled else network
    if ranks() > 1:
        return RankEngine(network, settings.compute.workers or 1, p, settings.training.accumulate)
    return Engine(network, worker_count(settings), p, settings.training.accumulate)


def worker_count(settings: Settings) -> int:
    """As many as the settings ask for, else one for each core; never more than streams."""
    return min(settings.compute.workers or available_cores(), settings.training.batch)
