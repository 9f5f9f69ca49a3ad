#!/usr/bin/env python3
"""Writes lib/kernels/grid_tables.c: the points of the grids that the IQ1, IQ2 and IQ3 tensor types index.

    pip install gguf==0.19.0 numpy
    python3 tools/gen_grids.py lib/kernels/grid_tables.c

The grids are part of the GGUF format; the package gguf publishes them. A point is written as one number: the place of each
of its values in the list of the grid's values, the first in the lowest bits.
"""
import sys
from importlib.metadata import version

from gguf import quants

# Name here, class of the package, points, values of a point, bits of each.
GRIDS = [
    ("iq1", quants.IQ1_S, 2048, 8, 2),
    ("iq2_xxs", quants.IQ2_XXS, 256, 8, 2),
    ("iq2_xs", quants.IQ2_XS, 512, 8, 2),
    ("iq2_s", quants.IQ2_S, 1024, 8, 2),
    ("iq3_xxs", quants.IQ3_XXS, 256, 4, 3),
    ("iq3_s", quants.IQ3_S, 512, 4, 3),
]


def points(cls, n_points, n_values, bits):
    cls.init_grid()
    grid = cls.grid.reshape(-1, cls.grid.shape[-1]).astype(int).tolist()
    if len(grid) != n_points or len(grid[0]) != n_values:
        sys.exit(f"{cls.__name__}: {len(grid)} points of {len(grid[0])}, expected {n_points} of {n_values}")
    values = list(cls.grid_map)
    return [sum(values.index(value) << bits * i for i, value in enumerate(point)) for point in grid]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write(f"/* The grids of the IQ types, as the package gguf {version('gguf')} has them. Written by tools/gen_grids.py. */\n"
                  '#include "kernels/blocks_iq.h"\n')
        for name, cls, n_points, n_values, bits in GRIDS:
            out.write(f"\nconst uint16_t inlay__grid_{name}[{n_points}] = {{\n")
            line = "   "
            for point in points(cls, n_points, n_values, bits):
                if len(line) + 8 > 120:
                    out.write(line + "\n")
                    line = "   "
                line += f" 0x{point:04x},"
            out.write(line + "\n};\n")


if __name__ == "__main__":
    main()
