# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the empty part below the panels off the docs' pictures.

python tests/ui/crop_pictures.py build/pictures docs/pictures
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

# panels are drawn a little darker than the empty view behind them
_DIFFERENT, _MARGIN_PIXELS, _EDGE_PIXELS = 12, 10, 4


def crop(picture: Image.Image) -> Image.Image:
    """Down to the last row that is not the empty view, which shows right above the region's lower edge."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)[:-_EDGE_PIXELS]
    drawn = np.abs(pixels - pixels[-1, pixels.shape[1] // 2]).sum(axis=2)[:, 20:-20].max(axis=1) > _DIFFERENT
    bottom = min(int(np.where(drawn)[0].max()) + _MARGIN_PIXELS, len(drawn))
    return picture.convert("RGB").crop((0, 0, picture.width, bottom))


def main() -> int:
    """Every panel's picture of the first folder into the second."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    for path in sorted(source.glob("panel_*.png")):
        crop(Image.open(path)).save(target / path.name, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
