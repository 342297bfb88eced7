"""A finished run that is trained further on interactions that came after it, with new users and items."""
