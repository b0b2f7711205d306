"""The tests, by storey. This file makes them a package: optimade installs another `tests`, and ours comes first."""
