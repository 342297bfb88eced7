"""Text in byte ranges, and the compiled loops that turn its lines into integer columns and back."""
