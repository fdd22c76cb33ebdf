"""From results to tables, and to an answer: pure functions of what the store holds."""
