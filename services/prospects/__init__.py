"""The prospects service: what salespeople list, filter and read (port 8001).

Flow of a request: routes -> service -> store -> queries.sql.
"""
