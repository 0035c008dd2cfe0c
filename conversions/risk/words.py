"""The sentences about risk signals for affiliates."""

from conversions.risk_signals.table import A_SIGNAL, SIGNALS, words_for_affiliates

TO_AFFILIATES = {code: signal.to_affiliates for code, signal in SIGNALS.items()}

__all__ = ["A_SIGNAL", "TO_AFFILIATES", "words_for_affiliates"]
