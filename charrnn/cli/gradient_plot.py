"""The charts of ``charrnn gradients`` as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from charrnn.cli.gradients import Report

FORMATS = (".png", ".svg")


def check_plot(path: Path, force: bool) -> None:
    """Before anything is computed: that the file can be one, and that matplotlib is there."""
    from charrnn.errors import CharRNNError
    from charrnn.extras import load_extra
    from charrnn.files import check_free

    if path.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"{str(path)!r} ends with neither .png nor .svg", param_hint="'--plot'")
    if not path.parent.is_dir():
        raise CharRNNError(f"{str(path)!r} cannot be written: its folder does not exist; make it first")
    check_free(path, force, "--plot")
    load_extra("matplotlib.figure", "plot")


def write_plot(report: "Report", path: Path) -> None:
    """Gradients before and after training, loss by context and, where there is one, what clipping did."""
    import numpy as np

    from charrnn.errors import CharRNNError
    from charrnn.extras import load_extra

    rows = 3 if report.clipping else 2
    figure = load_extra("matplotlib.figure", "plot").Figure(figsize=(11, 4 * rows), layout="constrained")
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
    try:
        figure.savefig(path)
    except OSError as error:
        raise CharRNNError(f"{str(path)!r} cannot be written: {error.strerror or error}") from None
