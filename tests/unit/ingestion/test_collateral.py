"""Kinds of collateral, and the words that make a cash advance certain."""

import pytest

from services.pipelines.ingestion.parties.collateral import kinds, mca_phrase


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('Secured Party has purchased certain "Future Receipts" from Debtor.', ("receivables",)),
        ("ALL ASSETS OF THE DEBTOR, NOW OWNED OR HEREAFTER ACQUIRED", ("all_assets",)),
        ("ALL OF DEBTOR'S PERSONAL PROPERTY", ("all_assets",)),
        (
            "ALL INVENTORY, CHATTEL PAPER, ACCOUNTS, EQUIPMENT",
            ("receivables", "equipment", "inventory"),
        ),
        ("ONE (1) 2022 KUBOTA SVL75 TRACK LOADER S/N WX00412", ("equipment",)),
        ("2019 FORD TRANSIT VAN VIN 1FT", ("vehicles",)),
        ("FIXTURES ON THE REAL PROPERTY", ("real_estate",)),
        ("CATTLE AND CALVES, ALL COUNTIES", ("farm",)),
        ("ROOFTOP SOLAR SYSTEM 7.2 KW", ("other",)),
        ("UNKNOWN", ()),
        ("", ()),
    ],
)
def test_kinds(text: str, found: tuple[str, ...]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ('purchased certain "Future Receipts" from', "Future Receipts"),
        ("ALL FUTURE  RECEIVABLES", "FUTURE RECEIVABLES"),
        ("the Purchased Receivables", "Purchased Receivables"),
        ("RECEIVABLES PURCHASE AGREEMENT", "RECEIVABLES PURCHASE"),
        ("SALE OF FUTURE ACCOUNTS", "SALE OF FUTURE"),
        ("a merchant cash\nadvance", "merchant cash advance"),
        ("revenue-based financing", "revenue-based financing"),
        ("ALL ASSETS AND FUTURE EQUIPMENT PURCHASES", None),
        ("UNKNOWN", None),
    ],
)
def test_mca_phrase(text: str, phrase: str | None) -> None:
    assert mca_phrase(text) == phrase
