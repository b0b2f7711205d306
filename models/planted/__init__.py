"""Planted: tasks of known relatedness over real crystal graphs, for methods that say which task helps which.

dials.py is what can be turned; structures.py makes the crystals and latents.py what the tasks are about; menu.py says
what each task is and so what is true, labels.py what it is worth and where it is known; planted.py puts it together and
files.py keeps it. For strangers: docs/planted.md.
"""
