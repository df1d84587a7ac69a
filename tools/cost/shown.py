"""A bill as a table, Markdown or JSON, with the difference from an older one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from tools.cost.bill import Bill

TOTAL = "total"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """A line of the bill. monthly, before: None if there is or was no such line, or its price is not known."""

    what: str
    quantity: str
    monthly: Decimal | None
    before: Decimal | None

    @property
    def difference(self) -> Decimal:
        """The increase per month."""
        return (self.monthly or Decimal("0.00")) - (self.before or Decimal("0.00"))


def rows(bill: Bill, before: Bill | None) -> list[Row]:
    """The lines of both bills: in the order of the new one, then those that it no longer has."""
    old = {line.what: line.monthly for line in before.lines} if before else {}
    new = [Row(line.what, line.quantity, line.monthly, old.pop(line.what, None)) for line in bill.lines]
    return new + [Row(what, "no longer", None, monthly) for what, monthly in old.items()]


def heading(bill: Bill) -> str:
    """Whose bill it is, and which prices it uses."""
    return (
        f"Stack {bill.stack}: US dollars per month at list prices in {bill.prices.region} as of {bill.prices.as_of}, "
        "before tax, free tiers and discounts"
    )


def signed(amount: Decimal) -> str:
    """A difference, with its sign."""
    return f"{amount:+.2f}" if amount else "0.00"


def _cells(bill: Bill, before: Bill | None) -> Iterator[tuple[str, ...]]:
    for row in rows(bill, before):
        gone = row.quantity == "no longer"
        amount = "0.00" if gone else UNKNOWN if row.monthly is None else str(row.monthly)
        yield row.what, row.quantity, amount, *([signed(row.difference)] if before else [])
    yield TOTAL, "", str(bill.total), *([signed(bill.total - before.total)] if before else [])


def _columns(before: Bill | None) -> list[str]:
    return ["what", "how much", "USD per month", *(["difference"] if before else [])]


def as_markdown(bill: Bill, before: Bill | None) -> str:
    """A Markdown table, with the notes below it."""
    columns = _columns(before)
    lines = [f"| {' | '.join(columns)} |", f"| --- | --- | {' | '.join(['---:'] * (len(columns) - 2))} |"]
    for what, *rest in _cells(bill, before):
        cells = [what, *rest] if what != TOTAL else [f"**{cell}**" if cell else "" for cell in (what, *rest)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([f"{heading(bill)}:", "", *lines, "", *(f"- {note}" for note in bill.notes)])


def as_json(bill: Bill, before: Bill | None) -> str:
    """For programs: `total` and `lines[].monthly` in US dollars; with an older bill, `before` and `difference`, too.

    Amounts are numbers in whole cents; null if the price is not known.
    """

    def number(amount: Decimal | None) -> float | None:
        return None if amount is None else float(amount)

    content: dict[str, object] = {
        "stack": bill.stack,
        "region": bill.region,
        "currency": "USD",
        "prices": {"region": bill.prices.region, "as_of": bill.prices.as_of.isoformat()},
        "total": number(bill.total),
    }
    if before:
        content |= {"before": number(before.total), "difference": number(bill.total - before.total)}
    content["lines"] = [
        {"what": row.what, "quantity": row.quantity, "monthly": number(row.monthly)}
        | ({"before": number(row.before), "difference": number(row.difference)} if before else {})
        for row in rows(bill, before)
    ]
    content["notes"] = list(bill.notes)
    return json.dumps(content, indent=2, ensure_ascii=False)


def print_table(bill: Bill, before: Bill | None, console: Console) -> None:
    """Print the table on a terminal."""
    table = Table(title=heading(bill), title_justify="left", title_style="bold")
    for number, column in enumerate(_columns(before)):
        table.add_column(column, justify="right" if number > 1 else "left", overflow="fold")
    for row in _cells(bill, before):
        together = row[0] == TOTAL
        if together:
            table.add_section()
        table.add_row(*row, style="bold" if together else None)
    console.print(table)
    for note in bill.notes:
        console.print(f"- {note}", markup=False, highlight=False)
