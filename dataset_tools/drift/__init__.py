"""Data drift: how the interactions after a time differ from those before it.

options, inputs     the command's settings; files of the past and the future, their columns, the cut
windows             spans of time: the past before its last windows, those, and the windows of the future
counts, spans       counts of one byte range, which merge in any order; gaps across ranges
categories, profile categories of items; the finished counts as arrays
pair, null          a reference and a window side by side; the same with rows assigned at random
distances, measures pure functions of two arrays of counts; the registry: name, threshold's key, source
thresholds, verdict what counts as drift: `thresholds.yaml`
drift               the command; page, charts: what it writes
"""
