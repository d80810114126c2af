"""How far back gradients and networks reach, as a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from charrnn.analysis.gradient_study import Findings, Flow
from charrnn.report.panels import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_gradients(found: Findings) -> "Figure":
    """Gradients before and after training and loss by context; below them, where there are any, the gradients of
    networks with large recurrent weights, and what clipping did to the training of the first."""
    from matplotlib.figure import Figure

    rows = ["001122", "334455", "666777"] if found.clipped else ["001122"]
    figure = Figure(figsize=(15, 4 * len(rows)), layout="constrained")
    axes = list(figure.subplot_mosaic("\n".join(rows)).values())
    for ax in axes:
        ax.grid(alpha=0.3)
    _draw_flows(axes[:2], [("untrained", found.usual, False), ("trained", found.usual, True)])
    for flow, (_, *cut), colour in zip(found.usual, found.contexts, COLOURS, strict=False):
        contexts, losses = [each.context or 0 for each in cut], [each.loss for each in cut]
        axes[2].plot(contexts, losses, marker="o", color=colour, label=flow.settings.model.cell)
    axes[2].set_xscale("log", base=2)
    axes[2].xaxis.set_major_formatter("{x:g}")
    axes[2].set(title="loss by context", xlabel="characters of context", ylabel="nats/char")
    axes[2].legend()
    if found.clipped:
        without, clipped = found.unclipped[0], found.clipped[0]
        large = f"recurrent weights x {clipped.settings.model.scale:g}"
        limited = f"norm clipped to {clipped.settings.training.clip:g}"
        _draw_flows(
            axes[3:6],
            [
                (f"{large}, untrained", found.clipped, False),
                (f"{large}, trained without clipping", found.unclipped, True),
                (f"{large}, {limited}", found.clipped, True),
            ],
        )
        for flow, label in ((without, "without clipping"), (clipped, limited)):
            iterations = range(1, len(flow.loss) + 1)
            axes[6].plot(iterations, flow.gradient_norm, label=label)
            axes[7].plot(iterations, flow.loss, label=label)
        name = f"{clipped.settings.model.cell}, {large}"
        axes[6].set(title=f"{name}: norm of the whole gradient, before clipping", xlabel="iteration", yscale="log")
        axes[7].set(title=f"{name}: training loss", xlabel="iteration", ylabel="nats/char")
        for ax in axes[6:]:
            ax.legend()
    return figure


def _draw_flows(axes: "Sequence[Axes]", panels: Sequence[tuple[str, Sequence[Flow], bool]]) -> None:
    """The mean norm of each, and the median dotted, all on the same scale."""
    for ax, (title, flows, trained) in zip(axes, panels, strict=True):
        for flow, colour in zip(flows, COLOURS, strict=False):
            norms = flow.trained if trained else flow.untrained
            ax.plot(norms.mean(axis=-1), color=colour, label=flow.settings.model.cell)
            ax.plot(np.median(norms, axis=-1), ":", color=colour)
        ax.sharey(axes[0])
        ax.set(title=title, xlabel="k steps back", yscale="log")
        ax.legend(title="mean, median dotted")
    axes[0].set_ylabel("norm of d loss[t] / d state[t-k]")
