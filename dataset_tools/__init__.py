"""Raw MovieLens and Taobao logs to exact, checked atomic files for RecBole; never imports torch or RecBole.

The map, in the order in which a conversion passes through it:

    cli, arguments            words into calls, errors into one line and an exit code
    sources/                  one description per release: files, grammar, scale, window, digests, licence
    fetch, archive            download with resume and digest; unpack expected names only
    ranges, kernel, scratch   newline-aligned byte ranges; bytes to integer columns and back
    quarantine                why a line is refused, and the list of refused lines
    rows, runs, buckets       a range to a time-sorted run on disk; runs merged into sorted text
    labels, pairs             Taobao's labels and drawn negatives; items and their categories
    engine, engine_ray,       the same steps on local threads or on a Ray cluster
    engine_choice
    interactions              the log as a whole
    tables, side_tables       users, items and tags; the files beside the log
    output, publish, progress files with their space reserved; whole folders or none; the time left
    convert, yaml_file        all of the above in order; the configuration beside a data set
    atomic, ids               atomic files read back as integer columns
    dataset_files, sort       the files of a data set; a file out of time order
    cut, split                cut times and offsets; one global time cut
    parts, part_writer        counts and files of the parts
    filters, remap            minimum counts and id maps, fitted on the past
    summary, describe, report counts that merge, a table, one self-contained HTML page
    validate                  header, order, duplicates and ids before a long training
"""
