"""What a collateral text pledges: its kinds, and the words that name a purchase of receipts."""

import re
from functools import lru_cache

KINDS = (
    "all_assets", "receivables", "equipment", "inventory", "vehicles", "real_estate", "farm",
    "other",
)  # fmt: skip

_WORDS = {
    "receivables": "receivable receivables receipts accounts chattel invoices",
    "equipment": "equipment machine machines machinery machining excavator excavators loader "
    "loaders backhoe backhoes forklift forklifts dozer dozers bulldozer bulldozers grader graders "
    "crane cranes compressor compressors copier copiers oven ovens tractor tractors skid lathe "
    "lathes scanner scanners implement implements mower mowers generator generators tooling s/n "
    "serial",
    "inventory": "inventory inventories floorplan merchandise stock-in-trade",
    "vehicles": "vehicle vehicles automobile automobiles truck trucks trailer trailers vin "
    "motorcycle motorcycles watercraft utv atv boat boats aircraft bus buses van vans",
    "real_estate": "fixture fixtures deed mortgage mortgaged premises timber",
    "farm": "crop crops livestock cattle calves hogs sheep farm grain corn wheat milo hay milk "
    "poultry feed harvest harvested",
}
_KIND_OF = {word: kind for kind, text in _WORDS.items() for word in text.split()}
_PAIRS = (("real", "estate", "real_estate"), ("real", "property", "real_estate"),
          ("floor", "plan", "inventory"))  # fmt: skip
_word = re.compile(r"[a-z/-]+")
_ALL_ASSETS = re.compile(
    r"\ball (?:of (?:the )?)?(?:debtors? |debtor's |its |the |present and future )?"
    r"(?:business |personal )?(?:assets|property)\b"
)
_MCA = re.compile(
    r"future[\s-]+(?:(?:sale|card)[\s-]+)?(?:receipts|receivables)|purchased[\s-]+"
    r"(?:receivables|receipts)|receivables[\s-]+purchase|sale[\s-]+of[\s-]+future|"
    r"merchant[\s-]+cash[\s-]+advance|revenue[\s-]+based[\s-]+financ\w*",
    re.IGNORECASE,
)
_MCA_HINTS = ("future", "purchase", "merchant", "revenue")
_EMPTY = frozenset(("", "unknown", "none", "n/a", "na", "."))


def mca_phrase(text: str) -> str | None:
    """The words of the text that only a purchase of receipts uses, else None.

    A cash advance is certain by such words: the purchaser describes what was bought.
    """
    low = text.lower()
    if not any(hint in low for hint in _MCA_HINTS):
        return None
    match = _MCA.search(text)
    return " ".join(match[0].split()) if match else None


@lru_cache(maxsize=4096)
def kinds(text: str) -> tuple[str, ...]:
    """Kinds of collateral named, in the order of KINDS; "other" where words name none of them."""
    low = " ".join(text.lower().split())
    if low in _EMPTY:
        return ()
    words = frozenset(_word.findall(low))
    found = {_KIND_OF[word] for word in words & _KIND_OF.keys()}
    found.update(kind for one, two, kind in _PAIRS if one in words and two in words)
    if "blanket" in words or ("all" in words and _ALL_ASSETS.search(low)):
        found.add("all_assets")
    return tuple(kind for kind in KINDS if kind in found) or ("other",)
