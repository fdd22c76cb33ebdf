"""From a trained generator to samples in the input's own form."""

from gan_imbalance.synthesis.checkpoints import checkpoint_bytes, load_gan, load_generator, save_gan
from gan_imbalance.synthesis.synthesize import (
    generate,
    manifest_path,
    run_synthesize,
    synthesize,
    synthetic_artifact,
    write_synthetic_set,
)
from gan_imbalance.synthesis.tables import calibrate_marginals

__all__ = [
    "calibrate_marginals",
    "checkpoint_bytes",
    "generate",
    "load_gan",
    "load_generator",
    "manifest_path",
    "run_synthesize",
    "save_gan",
    "synthesize",
    "synthetic_artifact",
    "write_synthetic_set",
]
