"""Two models on the same users, before one takes the place of the other.

lists       the lists and scores of two runs for the same users, in one numbering of items
differences pure functions of two lists: overlap, rank-biased overlap, shift of scores, groups of popularity
summary     users together: each measure with its interval
sibling     another seed of the same model, for orientation
compare     the comparison: files, states, text
"""
