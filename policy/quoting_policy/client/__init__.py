"""What a trading app imports to ask an engine for quotes.

from quoting_policy.client import QuotingClient

with QuotingClient("/run/quoting/engine.sock", on_mode=print) as client:
quote = client.quote("BTC-USDT", MarketState(mid=100.0, best_bid=99.9, best_ask=100.1))
if not quote:
cancel_everything(quote.reason)
"""

from quoting_policy.client.aio import AsyncQuotingClient
from quoting_policy.client.answer import NoQuote, is_quoting
from quoting_policy.client.blocking import QuotingClient
from quoting_policy.protocol.messages import ModeChanged, Quote

__all__ = ["AsyncQuotingClient", "ModeChanged", "NoQuote", "Quote", "QuotingClient", "is_quoting"]
