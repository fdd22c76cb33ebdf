"""Any two tables, real and synthetic, judged side by side, whoever made them."""

from gan_imbalance.evaluation.evaluate import Evaluation, evaluate, run_evaluate

__all__ = ["Evaluation", "evaluate", "run_evaluate"]
