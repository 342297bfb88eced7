"""Raw MovieLens and Taobao logs to exact, checked atomic files for RecBole; never imports torch or RecBole.

The map, in the order in which a conversion passes through it:

    cli, arguments            words into calls, errors into one line and an exit code
    sources/                  one description per release: files, grammar, scale, window, digests, licence
    fetch, archive            download with resume and digest; unpack expected names only
    ranges, kernel            newline-aligned byte ranges; bytes to integer columns and back
    quarantine                why a line is refused, and the list of refused lines
    rows, runs                one range to a time-sorted run on disk; runs merged into sorted text
    engine, engine_ray        the same two steps on local threads or on a Ray cluster
    tables                    users, items and tags
    publish, progress         whole output or none; a bar with the time left
    convert                   all of the above in order
    atomic, cut, split        atomic files read back; one global time cut, windows, filters, id maps
    summary, describe, report counts that merge, a table, one self-contained HTML page
    validate                  header, order, duplicates and ids before a long training
"""
