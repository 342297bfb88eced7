"""What a run costs, and the budget that ends it."""
