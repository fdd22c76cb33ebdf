"""The main job: do GAN-made rows help, compared with every standard remedy on the same splits?"""

from gan_imbalance.comparison.protocol import compare
from gan_imbalance.comparison.remedies import Remedy

__all__ = ["Remedy", "compare"]
