"""The history in a database on a PostgreSQL server, for any number of writers.

What all engines share is a folder above.
"""
