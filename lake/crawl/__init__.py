"""Crawling: one loop for all sources, its ledger, and what of it the rest of the lake may read."""

from lake.crawl.alone import Busy
from lake.crawl.loop import CrawlReport, crawl

__all__ = ["Busy", "CrawlReport", "crawl"]
