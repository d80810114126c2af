"""How far back gradients and networks reach, as a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from charrnn.analysis.gradient_study import Findings, Flow
from charrnn.report.look import INK, count_iterations, drawing, make_logarithmic
from charrnn.report.panels import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CLIPPING = COLOURS[3], COLOURS[5]
"""Without and with; the first colours are those of the networks."""


def draw_gradients(found: Findings, title: str) -> "Figure":
    """Gradients before and after training and loss by context; below them, where there are any, the gradients of
    networks with large recurrent weights, and what clipping did to the training of the first."""
    rows = ["001122", "334455", "666777"] if found.clipped else ["001122"]
    cells = [flow.settings.model.cell for flow in found.usual]
    key: list[tuple[str, dict[str, Any]]] = [
        (cell, {"color": colour}) for cell, colour in zip(cells, COLOURS, strict=False)
    ]
    key += [("mean", {"color": INK}), ("median", {"color": INK, "linestyle": ":"})]
    with drawing(title, 11, 3.1 * len(rows), key) as figure:
        axes = list(figure.subplot_mosaic("\n".join(rows)).values())
        _draw_flows(axes[:2], [("untrained", found.usual, False), ("trained", found.usual, True)])
        for (_, *cut), (_, look) in zip(found.contexts, key, strict=False):
            axes[2].plot([each.context or 0 for each in cut], [each.loss for each in cut], marker="o", **look)
        axes[2].set_xscale("log", base=2)
        axes[2].xaxis.set_major_formatter("{x:g}")
        axes[2].set(title="loss by context", xlabel="characters of context", ylabel="nats/char")
        if found.clipped:
            without, clipped = found.unclipped[0], found.clipped[0]
            large = f"recurrent weights \u00d7 {clipped.settings.model.scale:g}"
            limited = f"norm clipped to {clipped.settings.training.clip:g}"
            _draw_flows(
                axes[3:6],
                [
                    (f"{large}, untrained", found.clipped, False),
                    ("the same, trained without clipping", found.unclipped, True),
                    (f"the same, {limited}", found.clipped, True),
                ],
            )
            for flow, label, colour in zip((without, clipped), ("without clipping", limited), _CLIPPING, strict=True):
                iterations = range(1, len(flow.loss) + 1)
                axes[6].plot(iterations, flow.gradient_norm, color=colour, label=label)
                axes[7].plot(iterations, flow.loss, color=colour, label=label)
            make_logarithmic(axes[6])
            name = f"{clipped.settings.model.cell}, {large}"
            axes[6].set(title=f"{name}: norm of the whole gradient", ylabel="norm before clipping")
            axes[7].set(title=f"{name}: training loss", ylabel="nats/char")
            for ax in axes[6:]:
                count_iterations(ax)
                ax.legend(fontsize="small")
    return figure


def _draw_flows(axes: "Sequence[Axes]", panels: Sequence[tuple[str, Sequence[Flow], bool]]) -> None:
    """The mean norm of each network, and the median dotted, all on the same scale."""
    for ax, (title, flows, trained) in zip(axes, panels, strict=True):
        make_logarithmic(ax)
        ax.sharey(axes[0])
        for flow, colour in zip(flows, COLOURS, strict=False):
            norms = flow.trained if trained else flow.untrained
            ax.plot(norms.mean(axis=-1), color=colour)
            ax.plot(np.median(norms, axis=-1), ":", color=colour)
        ax.set(title=title, xlabel="k steps back")
    axes[0].set_ylabel("norm of d loss[t] / d state[t-k]")
