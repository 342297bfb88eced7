"""A raw release to atomic files: ranges to sorted runs, runs to text in time order, rejected rows aside."""
