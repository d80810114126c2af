"""The recurrent cells, one file a family."""

from charrnn.nn.cells.cell import Cell
from charrnn.nn.cells.gru import GRU, GRUResetBefore
from charrnn.nn.cells.lstm import LSTM, CoupledLSTM
from charrnn.nn.cells.mogrifier import Mogrifier
from charrnn.nn.cells.rnn import RNN, ReluRNN

CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "lstm-coupled": CoupledLSTM,
    "mogrifier": Mogrifier,
    "gru": GRU,
    "gru-reset-before": GRUResetBefore,
    "rnn": RNN,
    "rnn-relu": ReluRNN,
}
"""Every cell, by its name in ``model.cell``."""
