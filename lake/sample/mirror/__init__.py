"""The small internet: one loopback server that speaks six databases' formats over any list of tellings.

One module per database, named after it; `app.py` puts them together and `server.py` runs them. Nothing here imports
`lake.sources`: mirror and crawlers share only the databases' own documents, so they cannot share a mistake.
"""

from lake.sample.mirror.app import build_app
from lake.sample.mirror.server import serving

__all__ = ["build_app", "serving"]
