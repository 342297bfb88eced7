"""Raw MovieLens and Taobao logs to exact, checked atomic files for RecBole; never imports torch or RecBole.

The map, from the ground up; a module imports from its own package and from those above it:

    platforms                 the systems and versions of Python that this runs on
    errors, faults, progress  errors with their exit codes; errors in rows, worded as training does; the time left
    visible                   escapes in place of what steers a terminal; standard_streams: where all messages pass
    lines/                    newline-aligned byte ranges; bytes to integer columns and back
    sources/                  one description per release: files, grammar, scale, window, digests, licence;
                              fetch, archive: download with resume and digest, unpack expected names only
    times/                    what a column of times counts, exact seconds and fractions, the order of events
    files/                    headers, text_rows, column_rules, atomic, links: training's reader of atomic files;
                              interactions, ids: the same as integer columns; the files of a data set;
                              files with their space reserved, whole folders or none
    engines/                  the same steps on local threads or on a Ray cluster
    convert/                  quarantine: why a line is refused; rows, runs, buckets: a range to a time-sorted run on
                              disk, runs merged into sorted text; labels, pairs: Taobao's labels and sampled negatives;
                              log, tables, side_tables: the files of a release; times: a copy with times in seconds
    split/                    cut times and offsets, counts and files of the parts; minimum counts and id maps, fitted
                              on the past
    describe/                 counts that merge, a table, one self-contained HTML page; validate: what
                              training would refuse, found before it starts
    clicks/                   advertisements with impressions; click samples of a log of actions
    drift/                    later interactions against earlier ones: counts that merge, distances, nulls, verdicts
    arguments, cli            the command line: arguments to calls, errors to one line and an exit code
"""

from dataset_tools.platforms import require_platform

require_platform()
