"""ucc-intel: public UCC filings in, ranked and evidenced sales prospects out.

Each sub-package is one process (`python -m services.<name>`) or `common`, the library they share.
"""

__version__ = "0.1.0"
