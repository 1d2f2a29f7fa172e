"""An account at average cost: inventory, realised and unrealised P&L, fees."""

from __future__ import annotations


class Account:
    """Position and P&L of one arm in one instrument. Prices in price units, quantities in lots, money.

    lot: quantity of one lot, > 0: P&L = lots x lot x price difference. Realised P&L is before fees, so that
    ``equity = realised - fees + unrealised``.
    """

    __slots__ = ("average_cost", "fees", "inventory", "lot", "realised", "turnover")

    def __init__(self, lot: float) -> None:
        self.lot = lot
        self.inventory = 0.0
        self.average_cost = 0.0
        self.realised = 0.0
        self.fees = 0.0
        self.turnover = 0.0

    def trade(self, signed_lots: float, price: float, fee: float = 0.0) -> None:
        """Book a fill: signed_lots > 0 was bought. fee > 0 is a cost."""
        self.turnover += abs(signed_lots) * self.lot * price
        self.fees += fee
        self._move(signed_lots, price)

    def hand_over(self, other: Account, mid: float) -> None:
        """Pass the whole inventory on at the mid: neither side gains or loses by it."""
        lots = self.inventory
        if lots:
            self._move(-lots, mid)
            other._move(lots, mid)

    def unrealised(self, mid: float) -> float:
        """P&L of the inventory at the mid, money."""
        return self.inventory * self.lot * (mid - self.average_cost)

    def equity(self, mid: float) -> float:
        """All that was earned since the start, net of fees, with the inventory at the mid; money."""
        return self.realised - self.fees + self.inventory * self.lot * (mid - self.average_cost)

    def open_at(self, inventory: float, price: float) -> None:
        """Take over a position from outside at ``price``: what it made before is not ours."""
        self._move(inventory - self.inventory, price)

    def _move(self, lots: float, price: float) -> None:
        held = self.inventory
        after = held + lots
        if held * lots >= 0:
            if after:
                self.average_cost = (self.average_cost * held + price * lots) / after
        else:
            closed = min(abs(lots), abs(held)) * (1.0 if held > 0 else -1.0)
            self.realised += closed * self.lot * (price - self.average_cost)
            if after * held < 0:
                self.average_cost = price
        if abs(after) < 1e-9:
            after = 0.0
            self.average_cost = 0.0
        self.inventory = after
