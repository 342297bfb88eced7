"""Rating prediction."""
