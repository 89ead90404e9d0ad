"""`python -m nn`: its options, the examples it trains on, and the folder it writes into."""
