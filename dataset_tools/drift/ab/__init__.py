"""Two groups of users who got recommendations from two models: outcomes, their difference, and whether both are sound.

log       recommendation logs with outcomes, as counts of each user
ratio     a ratio metric of a group, and the difference of two groups, with errors over users
design    whether the groups have the sizes that were assigned, and what effect their sizes can show
trial     the whole comparison, its verdict and its text
"""
