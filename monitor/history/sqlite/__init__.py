"""The history in one SQLite file: one writer, on this machine. What all engines share is a folder above."""
