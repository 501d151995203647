"""Pages in a real Chromium, with tracker and simulated telephony behind them."""
