"""Architecture search: which depth and width suit a property, or a group of them, at a tenth of the grid's epochs?

space.py has what may be chosen, purse.py the one budget of epochs, ground.py what runs stand on. ladder.py and tpe.py
are strategies, surrogate.py what the first believes; explore.py walks a strategy, trainer.py answers it by training or
from the ledger; judge.py holds its choice to the full grid and to random search. study.py does all of it. No torch.
"""
