"""What makes distillation work: whose rows, how many, and what real rows have for labels."""
