"""``python -m gan_imbalance`` is ``gan-imbalance``."""

from gan_imbalance.main import command

command()
