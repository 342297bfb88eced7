"""Model drift: a trained model on later windows, without retraining."""
