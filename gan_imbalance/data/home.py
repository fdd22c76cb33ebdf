"""Where the data sets lie that do not come with the package."""

from __future__ import annotations

import os
from pathlib import Path


def data_home() -> Path:
    """Return the folder of the real data that notebooks and tests take where it is there; it need not exist.

    It is the one that the environment variable ``GAN_IMBALANCE_DATA`` names, else ``shared/data`` beside the checkout.

    Example:
        >>> from gan_imbalance.data import data_home
        >>> (data_home() / "no_such_table.csv.gz").is_file()
        False
    """
    return Path(os.environ.get("GAN_IMBALANCE_DATA") or Path(__file__).parents[3] / "shared" / "data")
