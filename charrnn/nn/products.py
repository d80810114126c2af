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


def product_by(W: Array, rows: int) -> Callable[[Array, Array], None]:
    """A function ``(a, out)`` that writes ``out = a W``, a (rows, K), out (rows, N), as often as needed while the
    weights W (K, N) stay as they are.

    Where BLAS has kernels for small products it takes the weights in tiles, each contiguous and aligned: 50 x 512 by
    512 x 2048 then runs at 140 instead of 100 GFLOP/s, of the 155 that this core reaches in large products.
    """
    K, N = W.shape
    parts, width = tiles(rows, K, N)
    tiled = N // width * width
    W_tiles = aligned((parts, tiled // width, K // parts, width), W.dtype)
    W_tiles[:] = W[:, :tiled].reshape(parts, K // parts, tiled // width, width).swapaxes(1, 2)
    sums = aligned((parts if parts > 1 else 0, rows, tiled), W.dtype)
    sum_tiles = sums.reshape(len(sums), rows, tiled // width, width).swapaxes(1, 2)
    times_rest = product_by(W[:, tiled:], rows) if tiled < N else None

    def product(a: Array, out: Array) -> None:
        in_tiles = out[:, :tiled]
        if parts == 1:
            np.matmul(a, W_tiles[0], out=in_tiles.reshape(rows, -1, width).swapaxes(0, 1))
        else:
            np.matmul(a.reshape(rows, parts, 1, -1).transpose(1, 2, 0, 3), W_tiles, out=sum_tiles)
            np.add.reduce(sums, axis=0, out=in_tiles)
        if times_rest:
            times_rest(a, out[:, tiled:])

    return product


def tiles(rows: int, K: int, N: int) -> tuple[int, int]:
    """Into how many parts of rows, and into columns of what width, weights (K, N) are to be cut. A few columns may be
    left over."""
    if blas_instructions() != "AVX-512" or rows * K * N <= SMALL:
        return 1, N
    parts = 1
    while K % (2 * parts) == 0 and K // (2 * parts) >= SHORTEST and rows * K // parts * NARROWEST > SMALL:
        parts *= 2
    widest = min(N, WIDEST, SMALL // (rows * K // parts)) // 16 * 16
    if widest < NARROWEST:
        return 1, N
    return parts, next((width for width in range(widest, NARROWEST - 1, -16) if N % width == 0), widest)
