"""The look that all pictures share, drawn by Matplotlib: colours, letters, a title with a key below it; and how they
are written."""

import io
import math
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from charrnn.report.escaping import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, PAPER = "#24292f", "#ffffff"
"""The colours of letters and axes, and of the ground."""
LETTERS, LINE = 8, 0.22
"""How many letters of a title fit into an inch, of a key more; and the height of a line in inches."""
MARK = 6
"""What is before each name of a key takes the room of so many letters."""
_LOOK: Any = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color", "grid.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), PAPER),
    "figure.constrained_layout.wspace": 0.04,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "legend.frameon": False,
    "font.sans-serif": ["DejaVu Sans", "Verdana"],  # what comes with Matplotlib, and what is as wide
    "text.parse_math": False,  # the name of a run is no formula
    "svg.fonttype": "none",  # letters, to be searched and read aloud, not drawings of them
    "svg.hashsalt": "charrnn",  # the same picture is the same file
    "pdf.fonttype": 42,
}
_NIGHT = {INK: "#e6edf3", PAPER: "#0d1117"}
"""What they become in SVG where the reader's pages are dark. What knows no such rules shows the picture as it is."""
_RULES = "".join(
    f'[style*="{paint}: {day}"] {{ {paint}: {night} !important }} '
    for day, night in _NIGHT.items()
    for paint in ("fill", "stroke")
)
_AT_NIGHT = f"@media (prefers-color-scheme: dark) {{ svg {{ background: {_NIGHT[PAPER]} }} {_RULES}}}"


@contextmanager
def drawing(
    title: str, width: int, height: float, key: Sequence[tuple[str, dict[str, Any]]] = ()
) -> Iterator["Figure"]:
    """A picture with a title, and so many inches for the charts; what is drawn meanwhile has the look of all. The key,
    below the title, says what looks how: names, each with the properties of a Matplotlib line."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    with _look():
        heading, *names = (
            textwrap.fill(escaped(text), LETTERS * width) for text in (title, *(name for name, _ in key))
        )
        columns = max(LETTERS * width // (max(map(len, names), default=0) + MARK), 1)
        lines = heading.count("\n") + 1 + math.ceil(len(names) / columns)
        figure = Figure(figsize=(width, height + LINE * lines), layout="constrained", label=escaped(title))
        figure.legend(
            [Line2D([], [], **look) for _, look in key],
            names,
            title=heading,
            title_fontproperties={"weight": "bold", "size": "large"},
            loc="outside upper left",
            alignment="left",
            ncols=columns,
        )
        yield figure


def save_picture(figure: "Figure", file: BinaryIO, kind: str) -> None:
    """Writes a picture as ``png``, ``svg`` or ``pdf``."""
    metadata = {"Title": figure.get_label(), **({"Date": None} if kind == "svg" else {})}
    written = io.BytesIO()
    with _look(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # drawn as a box; in SVG by a font of the reader
        figure.savefig(written, format=kind, dpi=150, metadata=metadata)
    content = written.getvalue()
    if kind == "svg":  # the first of each is Matplotlib's own, since titles come escaped
        content = content.replace(b"</style>", f"{_AT_NIGHT}</style>".encode(), 1)
        content = content.replace(b"<svg ", b'<svg role="graphics-document document" ', 1)
    file.write(content)


def count_iterations(axes: "Axes") -> None:
    """Makes the horizontal axis of charts one of iterations."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("iteration")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def make_logarithmic(axes: "Axes") -> None:
    """Makes the vertical axis of charts logarithmic, its numbers plain letters: 0.6 and 100, or 10⁻⁶ and 10²."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            low, high = axes.get_ylim()
            return super().__call__(x, pos) and (f"{x:g}" if low > 1e-4 and high < 1e5 else _power(x))

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(Plain())
    axes.yaxis.set_minor_formatter(Plain(minor_thresholds=(2, 0.5)))


def _power(number: float) -> str:
    """A number of one digit with a power of ten: 10⁻⁶, 3·10⁻⁶."""
    digit, _, exponent = f"{number:.0e}".partition("e")
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return power if digit == "1" else f"{digit}·{power}"


@contextmanager
def _look() -> Iterator[None]:
    """In which Matplotlib draws and writes as all pictures do, whatever its user has set."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        with matplotlib.rc_context(_LOOK):
            yield
