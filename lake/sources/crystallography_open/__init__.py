"""The engine of COD and PCOD, asked over the network or read from a local tree; cod.py and pcod.py say what differs."""
