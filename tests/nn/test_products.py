"""Products with the recurrent weights, cut into tiles or whole."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from charrnn.nn import products
from charrnn.nn.products import product_by, tiles

rng = np.random.default_rng(0)


@pytest.mark.parametrize("instructions", ["AVX-512", "AVX2"])
@pytest.mark.parametrize(
    ("rows", "K", "N"),
    [
        (25, 128, 512),
        (50, 2048, 512),
        (3, 5, 20),
        (400, 512, 64),
        (7, 96, 72),
        (40, 268, 1072),
        (40, 1072, 268),
        (400, 2000, 40),
    ],
)
def test_a_product_in_tiles_is_the_product(
    monkeypatch: pytest.MonkeyPatch, instructions: str, rows: int, K: int, N: int
) -> None:
    monkeypatch.setattr(products, "blas_instructions", lambda: instructions)
    W = rng.normal(size=(N, K)).T  # as the backward pass has it
    times_W = product_by(W, rows)
    for _ in range(2):
        a, out = rng.normal(size=(rows, K)), np.full((rows, N), np.nan)
        times_W(a, out)
        assert_allclose(out, a @ W, rtol=1e-12, atol=1e-10)


def test_tiles_are_small_enough_for_the_kernels_that_copy_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "blas_instructions", lambda: "AVX-512")
    cut = []
    for rows, K, N in np.ndindex(120, 12, 12):
        parts, width = tiles(rows + 1, 64 * (K + 1), 64 * (N + 1))
        assert (64 * (K + 1)) % parts == 0
        if (parts, width) != (1, 64 * (N + 1)):
            assert (rows + 1) * 64 * (K + 1) // parts * width <= products.SMALL
            cut.append((parts, width))
    assert {(1, 128), (1, 64), (2, 32)} <= set(cut)


def test_nothing_is_cut_without_such_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "blas_instructions", lambda: "AVX2")
    assert tiles(25, 128, 512) == (1, 512)
