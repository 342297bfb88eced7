"""Data drift: how the interactions after a time differ from those before it.

options, inputs, windows  the command's settings; the files and their columns, the cut; the spans of time
counting/                 counts: of one byte range, merged in any order; spans: gaps across ranges; categories: of
                          items; profile: the finished counts as arrays
measuring/                pair: a reference and a window; null: the same with rows assigned at random; distances:
                          pure functions of counts; measures: the registry
thresholds, verdict       what counts as drift: `thresholds.yaml`; a measure beside its nulls
report/                   distributions and sentences, `drift.json`; charts and the page
drift                     the command
watch/                    a stream against a stored profile of the past
ab/                       the outcomes of two groups of users
"""
