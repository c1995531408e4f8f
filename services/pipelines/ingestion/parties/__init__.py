"""Who and what a filing names: pure functions from text as filed to names, lenders, industries."""
