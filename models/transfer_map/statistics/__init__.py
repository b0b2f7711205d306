"""Statistics of gains: intervals, discoveries, equivalence, power, confirmation; what they rest on, and their trial."""
