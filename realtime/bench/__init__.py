"""Measures the program on this machine: how fast each stage is, and what it can hold live.

    runner ── one process per configuration and round ──▶ child
      │                                                     ├ stages   each stage by itself
      │                                                     ├ whole    file to file, and to nowhere
      │                                                     └ live     by the clock, time in pixels
      ├▶ report    a table, a comparison with an earlier report
      ├▶ page      the same as HTML with plots
      └▶ earlier   a report of another day, read back

Each round of each configuration runs in a process of its own, so that memory and thread counts are
its own too, and rounds of all configurations take turns, so that whatever else the machine does
hits all alike. What the machine can hold is kept by `realtime.holding`, where live runs look it up.
"""
