"""Learning on the lake of the real files: what it costs, and how far it comes."""
