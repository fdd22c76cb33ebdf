"""Any two tables, real and synthetic, judged side by side, whoever made them."""

from gan_imbalance.evaluation.evaluate import evaluate, run_evaluate
from gan_imbalance.evaluation.result import Evaluation

__all__ = ["Evaluation", "evaluate", "run_evaluate"]
