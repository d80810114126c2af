"""The charts of ``charrnn gradients`` as a picture."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from charrnn.cli.gradients import Report


def draw(report: "Report") -> "Figure":
    """Gradients before and after training, loss by context and, where there is one, what clipping did."""
    import numpy as np
    from matplotlib.figure import Figure

    rows = 3 if report.clipping else 2
    figure = Figure(figsize=(11, 4 * rows), layout="constrained")
    axes = figure.subplots(rows, 2).ravel()
    for ax, when in zip(axes, ("untrained", "trained"), strict=False):
        for (cell, state), norms in (item for flow in report.flows for item in flow.curves(when).items()):
            k = range(0 if state == "h" else 1, len(norms))
            (line,) = ax.plot(k, norms[k].mean(axis=-1), label=f"{cell}, {state}")
            ax.plot(k, np.median(norms[k], axis=-1), ":", color=line.get_color())
        ax.set(title=f"{when}: mean, and median dotted", xlabel="k", yscale="log")
        ax.set(ylabel="norm of d loss[t] / d state[t-k]")
        ax.legend()
    for flow, (_, *cut) in zip(report.flows, report.contexts, strict=True):
        contexts = [each.context for each in cut]
        axes[2].plot(contexts, [each.loss for each in cut], marker="o", label=flow.name)
        axes[3].plot(contexts, [each.difference for each in cut], marker="o", label=flow.name)
    axes[2].set(title="loss by context", xlabel="characters of context", ylabel="nats/char", xscale="log")
    axes[3].set(title="more than with all characters before", xlabel="characters of context", xscale="log")
    axes[3].set_yscale("symlog", linthresh=0.01)
    for ax in axes[2:4]:
        ax.legend()
    for each in report.clipping:
        label = "no clipping" if each.clip is None else f"clipped to {each.clip:g}"
        axes[4].plot(each.gradient_norm, label=label)
        axes[5].plot(each.loss, label=label)
    if report.clipping:
        axes[4].set(
            title="rnn, large recurrent weights", xlabel="iteration", ylabel="norm of the gradient", yscale="log"
        )
        axes[5].set(title="rnn, large recurrent weights", xlabel="iteration", ylabel="loss, nats/char")
        for ax in axes[4:]:
            ax.legend()
    return figure
