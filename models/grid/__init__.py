"""The grid: which size of network suits which property? 40 sizes of each of four properties, trained or thinned out.

sizes.py has the sizes and their recipes, cost.py what they take, ground.py what a property's runs stand on; full.py and
asha.py train; verdict.py says what came of it; table.py keeps it in the lake. No torch at import.
"""
