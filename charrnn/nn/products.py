"""Products with the recurrent weights, a step at a time."""

from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array, aligned
from charrnn.machine import blas_instructions

SMALL = 1_000_000
"""Multiplications. Up to so many, OpenBLAS's kernels for AVX-512 read the operands where they lie. Before a larger
product, and always without AVX-512, it copies them, which takes up to half of the time where the rows are few."""
WIDEST, NARROWEST, SHORTEST = 128, 32, 128
"""Columns and rows of a tile between which such products were measured to be faster."""


def product_by(W: Array, rows: int) -> Callable[[Array, Array], object]:
    """A function ``(a, out)`` that writes ``out = a W``, a (rows, K), out (rows, N), as often as needed while the
    weights W (K, N) stay as they are.

    Where BLAS has kernels for small products it takes the weights in tiles, each contiguous and aligned: 50 x 512 by
    512 x 2048 then runs at 140 instead of 100 GFLOP/s, of the 155 that this core reaches in large products.
    """
    K, N = W.shape
    parts, width = tiles(rows, K, N)
    W_tiles = aligned((parts, N // width, K // parts, width), W.dtype)
    W_tiles[:] = W.reshape(parts, K // parts, N // width, width).swapaxes(1, 2)
    if parts == 1:
        return lambda a, out: np.matmul(a, W_tiles[0], out=out.reshape(rows, N // width, width).swapaxes(0, 1))

    sums = aligned((parts, rows, N), W.dtype)
    sum_tiles = sums.reshape(parts, rows, N // width, width).swapaxes(1, 2)

    def product(a: Array, out: Array) -> None:
        np.matmul(a.reshape(rows, parts, 1, K // parts).transpose(1, 2, 0, 3), W_tiles, out=sum_tiles)
        np.add.reduce(sums, axis=0, out=out)

    return product


def tiles(rows: int, K: int, N: int) -> tuple[int, int]:
    """Into how many parts of rows, and into columns of what width, weights (K, N) are to be cut."""
    if blas_instructions() == "AVX-512":
        parts = 1
        while K % (2 * parts) == 0 and K // (2 * parts) >= SHORTEST and rows * K // parts * NARROWEST > SMALL:
            parts *= 2
        widths = [w for w in range(NARROWEST, WIDEST + 1, 16) if N % w == 0 and rows * K // parts * w <= SMALL]
        if widths:
            return parts, widths[-1]
    return 1, N
