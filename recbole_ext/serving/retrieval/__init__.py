"""The k largest inner products of a vector with the vectors of all items: exact, in 8 bits, approximate."""
