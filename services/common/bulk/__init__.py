"""Files that registers publish whole: what they look like, and looking into them safely.

The jobs service looks into a file before it takes it (inspect), the ingestion worker reads it
(delimited, records). Nothing here unpacks an archive to a path or resolves an XML entity.
"""
